"""Through the autoencoder and back."""
