"""Measures the shipped autoencoders of digits on MNIST's test set. Writes the figures to their cards. Four minutes.

python -m tutorial.training.evaluate_digit_vae
"""

from __future__ import annotations

import argparse
import time
import timeit
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from tutorial import weights
from tutorial.data.digits import binarised, black_and_white, digits
from tutorial.families import digit_vae
from tutorial.families.digit_evidence import evidence
from tutorial.families.digit_vae import LARGE, PLANE, Parts, log_weights, parts, sample
from tutorial.families.digit_vae_training import DigitVAETraining, Knobs
from tutorial.families.elbo import importance_bound
from tutorial.metrics import digits as judging
from tutorial.metrics.digits import REFERENCE, others
from tutorial.networks.digit_vae import DigitVAE
from tutorial.training.cards import called, rounded, with_error
from tutorial.training.digit_vae import BATCH, SHIPPED

COMMAND = "python -m tutorial.training.evaluate_digit_vae"
DEFAULTS = {"digits": 10_000, "weighed": 2000, "weights": 500, "exact": 100}
DRAWS = 5
"""Codes of each digit by which its reconstruction is measured."""
AT_ONCE = 20
TRIES = 200


@torch.no_grad()
def bound(model: DigitVAE, x: Tensor) -> Parts:
    """The ELBO's parts of each digit, by the same random numbers for all models with codes as large."""
    generator = torch.Generator().manual_seed(1)
    rows = [parts(model, some, generator, DRAWS) for some in x.split(500)]
    return Parts(torch.cat([row.reconstruction for row in rows]), torch.cat([row.kl for row in rows]))


def measure(model: DigitVAE, x: Tensor, known: Parts, weighed: int, k: int, exact: int) -> dict[str, Any]:
    """The bound and its parts, which are known; by how much L_k is above it, of the first `weighed` digits; and, in the
    plane, log p(x) of the first `exact`."""
    generator = torch.Generator().manual_seed(2)
    batches = tqdm(x[:weighed].split(AT_ONCE), desc=f"weights of {model.config.latent} numbers", mininterval=10)
    log_w = [log_weights(model, some, generator, k) for some in batches]
    above = torch.cat([importance_bound(some, k) - some.mean(0) for some in log_w])
    found: dict[str, Any] = {
        "digits": len(x),
        "elbo": with_error(known.elbo),
        "reconstruction": with_error(known.reconstruction),
        "kl": with_error(known.kl),
        "importance": {"digits": len(above), "weights": k, "above_elbo": with_error(above)},
    }
    if model.config.latent == PLANE:
        exactly = list(evidence(model, x[:exact]))
        found["exact"] = {
            "digits": len(exactly),
            "elbo": with_error(known.elbo[: len(exactly)]),
            "log_evidence": with_error(torch.tensor([one.log_evidence for one in exactly])),
            "gap": with_error(torch.tensor([one.kl for one in exactly])),
        }
    return found | look_alike(model) | {"samples": REFERENCE}


def speed(model: DigitVAE) -> dict[str, float]:
    """Milliseconds to draw a digit, alone and among many, and for a step of training, of this thread alone: the fastest
    of `TRIES`, since whoever else wants the processor empties its caches."""
    generator = torch.Generator().manual_seed(3)
    updates = DigitVAETraining(digits("training")[0], model.config).run(lambda: Knobs(batch=BATCH))
    timed = {
        "ms_alone": lambda: sample(model, 1, generator),
        "ms_among_1000": lambda: sample(model, 1000, generator),
        "ms_a_step": lambda: next(updates),
    }
    fastest = {
        name: 1000 * min(timeit.repeat(once, timer=time.thread_time, number=1, repeat=TRIES))
        for name, once in timed.items()
    }
    return fastest | {"ms_among_1000": fastest["ms_among_1000"] / 1000}


def look_alike(model: DigitVAE) -> dict[str, float]:
    """Fréchet distances to real digits: of black and white digits drawn by the model, and of as many real ones."""
    judge, noise, dice = judging.load(), torch.Generator().manual_seed(4), torch.Generator().manual_seed(5)
    drawn = torch.bernoulli(sample(model, REFERENCE, noise), generator=noise)
    real = binarised(digits("training")[0][others()], dice)
    return {"frechet_samples": judge.frechet(2 * drawn - 1), "frechet_real": judge.frechet(2 * real - 1)}


def main(count: int, weighed: int, k: int, exact: int) -> None:
    """Measures each shipped autoencoder, writes its card, and prints a line."""
    asked = {"digits": count, "weighed": weighed, "weights": k, "exact": exact}
    x = black_and_white()[:count]
    models = {pair: digit_vae.load(*pair) for pair in SHIPPED}
    known = {pair: bound(model, x) for pair, model in models.items()}
    times = {latent: speed(models[latent, 1.0]) for latent in (PLANE, LARGE)}  # β is no part of a network
    for (latent, beta), model in models.items():
        found = measure(model, x, known[latent, beta], weighed, k, exact) | times[latent]
        if beta != 1.0:
            found["elbo_above_beta_1"] = with_error(known[latent, beta].elbo - known[latent, 1.0].elbo)
        found = {"command": called(COMMAND, asked, DEFAULTS)} | rounded(found)
        name = digit_vae.file_name(latent, beta)
        weights.write_card(name, weights.read_card(name) | {"measured": found})
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
