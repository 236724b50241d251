"""The families side by side on points in the plane: each learns an update at a time, and answers the same questions.

How likely is a point, as a number or a bound? What code is behind it, and what comes back from that code? A family
that cannot answer says so with None.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from tutorial.diffusion.elbo import bound, chain, eps_errors
from tutorial.diffusion.inversion import invert
from tutorial.diffusion.point_training import Knobs, PointTraining, follow
from tutorial.diffusion.points import SCHEDULE
from tutorial.diffusion.process import gaussian
from tutorial.diffusion.samplers import ddim
from tutorial.families.autoregressive import Autoregressive, AutoregressiveConfig
from tutorial.families.flow import SHAPES, Flow, FlowConfig
from tutorial.families.gan import GAN, GANConfig
from tutorial.families.vae import VAE, VAEConfig
from tutorial.networks.mlp import PointDenoiserConfig

RATE, BATCH = 2e-3, 256
LONGEST = 10.0
"""Gradients of a likelihood are cut to this norm: early on, one unlikely point can have a huge one."""
STEPS = 30
"""Of DDIM."""
TERMS = 100
"""Steps of the chain that bounds the likelihood of the diffusion model, with the variance β: at so many steps its bound
on the eight Gaussians is the tighter one."""
DRAWS = 64
"""Codes from which the importance-weighted bound of the VAE is estimated."""
FLOW, AUTOREGRESSIVE = SHAPES["spline"], AutoregressiveConfig()

Density = Literal["exact", "bound", "none"]


class OutOfBounds(Exception):
    """A family's numbers are no longer finite; the message is its name."""


class Learner(Protocol):
    """A model of points in the plane on its way."""

    rate: float
    """Of Adam, for the updates to come."""
    batch: int
    """Points in each of them."""

    @property
    def name(self) -> str: ...

    @property
    def density(self) -> Density:
        """What `nll` gives."""
        ...

    @property
    def evaluations(self) -> int:
        """Of its network, one after the other, to draw points, however many."""
        ...

    @property
    def step(self) -> int:
        """Updates made."""
        ...

    def update(self) -> float:
        """One update on a fresh batch; its loss."""
        ...

    @property
    def finite(self) -> bool:
        """Whether all weights are still numbers: too high a learning rate can end that."""
        ...

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n points (n, 2)."""
        ...

    def nll(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor | None:
        """−log p(x), or an upper bound of it on average, in nats: (B, 2) → (B,)."""
        ...

    def encode(self, x: Tensor) -> Tensor | None:
        """The codes behind points, (B, 2) → (B, 2), for `decode`. Of the model's own points they are N(0, I), except
        those of a VAE: it gives the means of its guesses, which lie closer together than its guesses do."""
        ...

    def decode(self, code: Tensor) -> Tensor:
        """What the model makes of noise (B, 2) ~ N(0, I): points (B, 2), distributed like those of `sample`. The VAE's
        are the centres p(x | z) of them, without the noise that `sample` adds."""
        ...


class _Likelihood:
    """What flow, autoregressive model and VAE have in common: one loss, one optimiser, averaged weights."""

    def __init__(self, model: nn.Module, loss: Callable[[Tensor], Tensor], data: Tensor, generator: torch.Generator):
        self.model, self.loss, self.data, self.generator = model, loss, data, generator
        self.average = copy.deepcopy(model).requires_grad_(False)
        self.optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99), fused=True)
        self.step, self.rate, self.batch = 0, RATE, BATCH

    def update(self) -> float:
        """One update on a fresh batch; its loss."""
        loss = self.loss(_batch(self.data, self.batch, self.generator))
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), LONGEST)
        _descend(self.optimizer, self.rate)
        self.step += 1
        follow(self.average, self.model, self.step)
        return loss.item()

    @property
    def finite(self) -> bool:
        return _finite(self.model)


class FlowLearner(_Likelihood):
    """Maximum likelihood, exactly. To draw, each coupling's network runs once: together, they are one evaluation."""

    name, evaluations = "flow", 1
    density: Density = "exact"
    average: Flow

    def __init__(self, data: Tensor, config: FlowConfig, generator: torch.Generator) -> None:
        flow = Flow(config, generator)
        super().__init__(flow, lambda x: -flow.log_prob(x).mean(), data, generator)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return self.average.sample(n, generator)

    def nll(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return -self.average.log_prob(x)

    def encode(self, x: Tensor) -> Tensor:
        return self.average(x)[0]

    def decode(self, code: Tensor) -> Tensor:
        return self.average.inverse(code)[0]


class AutoregressiveLearner(_Likelihood):
    """Maximum likelihood, exactly, one coordinate given the other.

    Of the first coordinate the distribution is bare parameters, so that to draw both takes the network once.
    """

    name, evaluations = "autoregressive", 1
    density: Density = "exact"
    average: Autoregressive

    def __init__(self, data: Tensor, config: AutoregressiveConfig, generator: torch.Generator) -> None:
        model = Autoregressive(config, generator)
        super().__init__(model, lambda x: -model.log_prob(x).mean(), data, generator)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return self.average.sample(n, generator)

    def nll(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return -self.average.log_prob(x)

    def encode(self, x: Tensor) -> Tensor:
        return torch.special.ndtri(self.average.code(x).double()).to(x)

    def decode(self, code: Tensor) -> Tensor:
        return self.average.decode(torch.special.ndtr(code))


class VAELearner(_Likelihood):
    """The evidence lower bound."""

    name, evaluations = "VAE", 1
    density: Density = "bound"
    average: VAE

    def __init__(self, data: Tensor, config: VAEConfig, generator: torch.Generator) -> None:
        vae = VAE(config, generator)

        def loss(x: Tensor) -> Tensor:
            reconstruction, kl = vae.elbo(x, generator)
            return (kl - reconstruction).mean()

        super().__init__(vae, loss, data, generator)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return self.average.sample(n, generator)

    def nll(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return -self.average.bound(x, DRAWS, generator)

    def encode(self, x: Tensor) -> Tensor:
        """Means of q(z | x)."""
        return self.average.encode(x)[0]

    def decode(self, code: Tensor) -> Tensor:
        """Means of p(x | z)."""
        return self.average.decode(code)


class GANLearner:
    """Discriminator and generator in turn, an update of each."""

    name, evaluations = "GAN", 1
    density: Density = "none"

    def __init__(self, data: Tensor, config: GANConfig, generator: torch.Generator) -> None:
        self.data, self.generator, self.model = data, generator, GAN(config, generator)
        networks = self.model.discriminator, self.model.generator
        self.optimizers = [torch.optim.Adam(one.parameters(), betas=(0.5, 0.99), fused=True) for one in networks]
        self.step, self.rate, self.batch = 0, RATE, BATCH

    def update(self) -> float:
        """One update of each network; the discriminator's loss."""
        of_discriminator, of_generator = self.optimizers
        x, fake = _batch(self.data, self.batch, self.generator), self.model.generate(self.batch, self.generator)
        loss = self.model.discriminator_loss(x, fake)
        loss.backward()
        _descend(of_discriminator, self.rate)
        self.model.generator_loss(fake).backward()
        _descend(of_generator, self.rate)
        of_discriminator.zero_grad()  # of what the generator's loss left there
        self.step += 1
        return loss.item()

    @property
    def finite(self) -> bool:
        return _finite(self.model)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return self.model.sample(n, generator)

    def nll(self, x: Tensor, generator: torch.Generator | None = None) -> None:
        """None: nothing here knows how likely a point is."""

    def encode(self, x: Tensor) -> None:
        """None: no network leads back from points to noise."""

    @torch.no_grad()
    def decode(self, code: Tensor) -> Tensor:
        return self.model.generator(code)


class DiffusionLearner:
    """A denoiser of points, which draws by `STEPS` steps of DDIM."""

    name, evaluations = "diffusion", STEPS
    density: Density = "bound"

    def __init__(self, data: Tensor, config: PointDenoiserConfig, seed: int) -> None:
        self.training = PointTraining(data, config, seed=seed)
        self.rate, self.batch = RATE, BATCH
        self._updates = self.training.run(lambda: Knobs(rate=self.rate, batch=self.batch))

    @property
    def step(self) -> int:
        return self.training.step

    def update(self) -> float:
        return next(self._updates).loss

    @property
    def finite(self) -> bool:
        return _finite(self.training.network)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return self.decode(gaussian(self.training.data.new_empty(n, 2), generator))

    def nll(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        steps = chain(SCHEDULE, TERMS, "beta")
        errors = eps_errors(self._denoise, SCHEDULE, x, steps.t, generator=generator)
        return bound(SCHEDULE, steps, x, errors).total

    def encode(self, x: Tensor) -> Tensor:
        *_, last = invert(self._denoise, SCHEDULE, x, steps=STEPS)
        return last.x_next

    def decode(self, code: Tensor) -> Tensor:
        *_, last = ddim(self._denoise, SCHEDULE, code, steps=STEPS)
        return last.x_next

    def _denoise(self, x: Tensor, t: Tensor, cond: None = None) -> Tensor:
        return self.training.denoise(x[None], t[None])[0]


def _batch(data: Tensor, n: int, generator: torch.Generator) -> Tensor:
    return data[torch.randint(len(data), (n,), generator=generator)]


def _descend(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    optimizer.zero_grad()


def _finite(model: nn.Module) -> bool:
    return all(bool(weight.isfinite().all()) for weight in model.parameters())


def learners(
    data: Tensor,
    *,
    seed: int = 0,
    flow: FlowConfig = FLOW,
    autoregressive: AutoregressiveConfig = AUTOREGRESSIVE,
) -> tuple[FlowLearner, AutoregressiveLearner, GANLearner, VAELearner, DiffusionLearner]:
    """All five on the same data (N, 2); each has randomness of its own from the same seed."""

    def own() -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    return (
        FlowLearner(data, flow, own()),
        AutoregressiveLearner(data, autoregressive, own()),
        GANLearner(data, GANConfig(), own()),
        VAELearner(data, VAEConfig(), own()),
        DiffusionLearner(data, PointDenoiserConfig(), seed),
    )
