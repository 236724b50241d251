"""Measures the shipped autoencoders of digits on MNIST's test set. Writes the figures to their cards. Five minutes.

python -m tutorial.training.evaluate_digit_vae
"""

from __future__ import annotations

import argparse
import timeit
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from tutorial import weights
from tutorial.data.digits import binarised, digits
from tutorial.families import digit_vae
from tutorial.families.digit_evidence import evidence
from tutorial.families.digit_vae import PLANE, importance_bound, log_weights, parts, sample
from tutorial.families.digit_vae_training import DigitVAETraining, Knobs
from tutorial.metrics import digits as judging
from tutorial.metrics.digits import REFERENCE, others
from tutorial.networks.digit_vae import DigitVAE
from tutorial.training.digit_vae import BATCH, SHIPPED

COMMAND = "python -m tutorial.training.evaluate_digit_vae"
DEFAULTS = {"digits": 10_000, "weighed": 2000, "weights": 500, "exact": 100}
DRAWS = 5
"""Codes of each digit by which its reconstruction is measured."""
AT_ONCE = 20
TRIES = 50


def test_digits(count: int) -> Tensor:
    """The first digits of the test set, binarised once with seed 0: (count, 1, 28, 28)."""
    return binarised(digits("test")[0], torch.Generator().manual_seed(0))[:count]


def with_error(values: Tensor) -> dict[str, float]:
    """Mean, and its standard error over the digits."""
    return {"mean": values.mean().item(), "standard_error": (values.std() / len(values) ** 0.5).item()}


@torch.no_grad()
def measure(model: DigitVAE, x: Tensor, weighed: int, k: int, exact: int) -> dict[str, Any]:
    """The bound and its parts; by how much L_k is above it, of the first `weighed` digits; and, in the plane, log p(x)
    of the first `exact`."""
    generator = torch.Generator().manual_seed(1)
    rows = [parts(model, some, generator, DRAWS) for some in x.split(500)]
    reconstruction, kl = torch.cat([row.reconstruction for row in rows]), torch.cat([row.kl for row in rows])
    batches = tqdm(x[:weighed].split(AT_ONCE), desc=f"weights of {model.config.latent} numbers", mininterval=10)
    log_w = [log_weights(model, some, generator, k) for some in batches]
    above = torch.cat([importance_bound(some, k) - some.mean(0) for some in log_w])
    found: dict[str, Any] = {
        "digits": len(x),
        "elbo": with_error(reconstruction - kl),
        "reconstruction": with_error(reconstruction),
        "kl": with_error(kl),
        "importance": {"digits": len(above), "weights": k, "above_elbo": with_error(above)},
    }
    if model.config.latent == PLANE:
        known = list(evidence(model, x[:exact]))
        found["exact"] = {
            "digits": len(known),
            "elbo": with_error((reconstruction - kl)[: len(known)]),
            "log_evidence": with_error(torch.tensor([one.log_evidence for one in known])),
            "gap": with_error(torch.tensor([one.kl for one in known])),
        }
    return found | look_alike(model) | {"samples": REFERENCE}


def speed(model: DigitVAE) -> dict[str, float]:
    """Milliseconds to draw a digit, alone and among many, and for a step of training, on one thread: the fastest of
    `TRIES`, since others may want the processor too."""
    generator = torch.Generator().manual_seed(2)
    updates = DigitVAETraining(digits("training")[0], model.config).run(lambda: Knobs(batch=BATCH))
    timed = {
        "ms_alone": lambda: sample(model, 1, generator),
        "ms_among_1000": lambda: sample(model, 1000, generator),
        "ms_a_step": lambda: next(updates),
    }
    fastest = {name: 1000 * min(timeit.repeat(once, number=1, repeat=TRIES)) for name, once in timed.items()}
    return fastest | {"ms_among_1000": fastest["ms_among_1000"] / 1000}


def look_alike(model: DigitVAE) -> dict[str, float]:
    """Fréchet distances to real digits: of black and white digits drawn by the model, and of as many real ones."""
    judge, generator = judging.load(), torch.Generator().manual_seed(3)
    drawn = torch.bernoulli(sample(model, REFERENCE, generator), generator=generator)
    real = binarised(digits("training")[0][others()], generator)
    return {"frechet_samples": judge.frechet(2 * drawn - 1), "frechet_real": judge.frechet(2 * real - 1)}


def rounded(found: Any) -> Any:
    """Six digits are enough for a card."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    return float(f"{found:.6g}") if isinstance(found, float) else found


def main(count: int, weighed: int, k: int, exact: int) -> None:
    """Measures each shipped autoencoder, writes its card, and prints a line."""
    asked = {"digits": count, "weighed": weighed, "weights": k, "exact": exact}
    command = " ".join([COMMAND, *(f"--{name} {n}" for name, n in asked.items() if n != DEFAULTS[name])])
    x = test_digits(count)
    for latent, beta in SHIPPED:
        model = digit_vae.load(latent, beta)
        found = rounded(measure(model, x, weighed, k, exact) | speed(model))
        name = digit_vae.file_name(latent, beta)
        weights.write_card(name, weights.read_card(name) | {"measured": {"command": command} | found})
        print(f"{name}: ELBO {found['elbo']['mean']}; {found['importance']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", type=int, default=DEFAULTS["digits"], help="test digits, at most 10,000")
    parser.add_argument("--weighed", type=int, default=DEFAULTS["weighed"], help="of these, for the weighted bound")
    parser.add_argument("--weights", type=int, default=DEFAULTS["weights"], help="of each digit, for that bound")
    parser.add_argument("--exact", type=int, default=DEFAULTS["exact"], help="test digits for the quadrature")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    main(wanted.digits, wanted.weighed, wanted.weights, wanted.exact)
