# make run: the app.  make test: the tests.  Both set up what they need the first time.
# Tests run in two processes of one thread each: threads of two processes would mostly wait for one another.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: run test test-all setup setup-dev lint notebooks weights evaluate bench load

run: .venv/runtime
	$(BIN)/python -m apps

test: .venv/development
	$(BIN)/python -m tests.browser.chromium
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

test-all: .venv/development
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest

setup: .venv/runtime

setup-dev: .venv/development

lint: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

notebooks: .venv/runtime
	$(BIN)/python -m tutorial.chapters

# Hours of work on two cores; each recipe resumes where it was interrupted.
weights: .venv/development
	$(BIN)/python -m tutorial.training.tokenizer
	ACCELERATE_MIXED_PRECISION=bf16 $(BIN)/python -m tutorial.training.reader
	$(BIN)/python -m tutorial.training.training_index
	ACCELERATE_MIXED_PRECISION=bf16 $(BIN)/python -m tutorial.training.autoencoder
	ACCELERATE_MIXED_PRECISION=bf16 $(BIN)/python -m tutorial.training.decoder
	$(BIN)/python -m tutorial.training.preview
	ACCELERATE_MIXED_PRECISION=bf16 $(BIN)/python -m tutorial.training.contrastive
	ACCELERATE_MIXED_PRECISION=bf16 $(BIN)/python -m tutorial.training.latent_diffusion
	$(BIN)/python -m tutorial.training.digit_classifier
	ACCELERATE_MIXED_PRECISION=bf16 $(BIN)/python -m tutorial.training.pixel_diffusion
	$(BIN)/python -m tutorial.training.point_denoisers
	$(BIN)/python -m tutorial.training.point_likelihoods
	$(BIN)/python -m tutorial.training.digit_vae
	ACCELERATE_MIXED_PRECISION=bf16 $(BIN)/python -m tutorial.training.pixel_cnn
	ACCELERATE_MIXED_PRECISION=bf16 $(BIN)/python -m tutorial.training.digit_gan

evaluate: .venv/development
	$(BIN)/python -m tutorial.training.evaluate
	$(BIN)/python -m tutorial.training.guidance_curve
	$(BIN)/python -m tutorial.training.evaluate_digits
	$(BIN)/python -m tutorial.training.evaluate_digit_vae
	$(BIN)/python -m tutorial.training.evaluate_pixel_cnn
	$(BIN)/python -m tutorial.training.sampler_quality
	$(BIN)/python -m tutorial.training.sampler_quality --digits
	$(BIN)/python -m tutorial.training.two_kinds
	$(BIN)/python -m tutorial.training.point_families
	$(BIN)/python -m tutorial.training.point_gan
	$(BIN)/python -m tutorial.training.evaluate_families
	$(BIN)/python -m tutorial.training.evaluate_metrics --draw
	$(BIN)/python -m tutorial.training.evaluate_digit_gan
	$(BIN)/python -m tutorial.training.evaluate_metrics
	$(BIN)/python -m tutorial.training.who_drew
	$(BIN)/python -m tutorial.training.gan_lab
	$(BIN)/python -m tutorial.training.gan_race
	$(BIN)/python -m tutorial.training.gan_collapse
	$(BIN)/python -m tutorial.training.pacgan
	$(BIN)/python -m tutorial.training.evaluate_gans
	$(BIN)/python -m tutorial.chapters.record

bench: .venv/development
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m tests.browser.bench
	$(BIN)/python -m tests.diffusion.bench
	$(BIN)/python -m tests.diffusion.speed
	$(BIN)/python -m tests.gans.bench
	$(BIN)/python -m tests.exchange.bench

load: .venv/development
	$(BIN)/python -m tests.apps.load

.venv/bin/python:
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/runtime: requirements.txt | .venv/bin/python
	@echo "Installing what the app needs into .venv; the first time this takes a few minutes."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/development: requirements-dev.txt .venv/runtime
	@echo "Installing what tests and training need as well."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
