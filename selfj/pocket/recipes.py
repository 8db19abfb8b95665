"""Recipes of policies: everything that decides what a policy becomes. One YAML file per policy in recipes/."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from selfj.pocket.mistakes import WebHabits

RECIPES = Path(__file__).parent / "recipes"
POLICIES = Path(__file__).parent / "policies"


@dataclass(frozen=True)
class Mixture:
    """Shares of the tokens of a stage; they sum to 1."""

    answers: float
    ratings: float
    echo: float
    """As ratings, but the policy repeats the answer with a + or - behind every value."""
    drills: float
    """Is each of these in that set? The comparing that rating is made of, in its purest form."""


@dataclass(frozen=True)
class Recipe:
    """How one policy is made."""

    seed: int
    """Decides the text and the first weights, not the world."""
    vocabulary: int
    hidden: int
    layers: int
    heads: int
    intermediate: int
    max_tokens: int
    """Context; training text is much shorter."""
    steps: int
    tokens_per_batch: int
    """Padding included."""
    learning_rate: float
    """Of Muon (matrices) and AdamW (embeddings, norms), at its highest."""
    warmup_steps: int = 60
    decay: float = 0.5
    """Share of the steps, the last ones, in which the rate falls to zero in a straight line."""
    weight_decay: float = 0.05
    drill_share: float = 0.15
    """Share of the steps with the first mixture."""
    first: Mixture = Mixture(answers=0.40, ratings=0.23, echo=0.12, drills=0.25)
    then: Mixture = Mixture(answers=0.56, ratings=0.35, echo=0.05, drills=0.04)
    ratings_per_conversation: int = 4
    rubric_noise: float = 0.7
    """Standard deviation of the digit, once comparing is learnt."""
    noise_from: float = 0.5
    """Share of the steps after which the noise sets in."""
    rating_weight: float = 10.0
    """Loss weight of a rating digit; an answer token has 1."""
    mark_weight: float = 3.0
    """Loss weight of a + or -."""
    reading_weight: float = 0.1
    """Loss weight of text that the policy reads (never of a reference)."""
    habits: WebHabits = field(default_factory=WebHabits)

    def mixture(self, progress: float) -> Mixture:
        """The mixture at `progress`, 0 to 1."""
        return self.first if progress < self.drill_share else self.then


NESTED = {"first": Mixture, "then": Mixture, "habits": WebHabits}


def load_recipe(name: str) -> Recipe:
    """Read recipes/NAME.yaml; unknown fields are an error."""
    path = RECIPES / f"{name}.yaml"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such recipe; there are {', '.join(recipe_names())}")
    return recipe_from(yaml.safe_load(path.read_text(encoding="utf-8")), str(path))


def recipe_from(settings: dict[str, Any], where: str) -> Recipe:
    """Build a recipe from plain settings; `where` names their origin in errors."""
    unknown = set(settings) - {entry.name for entry in fields(Recipe)}
    if unknown:
        raise ValueError(f"{where}: unknown fields {', '.join(sorted(unknown))}")
    return Recipe(**{key: NESTED[key](**value) if key in NESTED else value for key, value in settings.items()})


def recipe_names() -> list[str]:
    """Names of all recipes."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))
