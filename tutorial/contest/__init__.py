"""The closing contest: six families that draw MNIST's digits by class, trained by one recipe under one budget."""
