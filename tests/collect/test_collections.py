"""configs/collections: read, checked, complete; without a network."""

from collections import Counter
from pathlib import Path

import pytest

from selfj.collect.sources import check_names, name_of
from selfj.config import Settings, load_settings

FOLDER = Path(__file__).parents[2] / "configs" / "collections"
PUBLISHED = {"common": 3_112_428, "coding": 1_815_202, "academic": 826_782}


@pytest.fixture(scope="module", params=sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def collection(request: pytest.FixtureRequest) -> Settings:
    settings = load_settings(request.param)
    assert settings.name == request.param.stem
    return settings


def test_every_source_has_a_name_a_licence_a_category_and_a_place_on_the_hub(collection: Settings) -> None:
    sources = collection.collect.sources
    check_names([name_of(source) for source in sources])
    for source in sources:
        assert source.name and source.licence and source.category in PUBLISHED, source
        assert all(path.startswith("hf://") for path in (source.path, *source.paths) if path), source
        assert source.fields.conversation or source.fields.instruction, source


def test_quality_filters_and_near_duplicates_are_on(collection: Settings) -> None:
    assert all(switch.enabled for switch in vars(collection.collect.filters).values())
    assert collection.collect.near_duplicates.enabled


def test_the_published_counts_of_the_papers_37_sources_add_up() -> None:
    sources = load_settings(FOLDER / "self_j_2023.yaml").collect.sources
    counts: Counter[str] = Counter()
    for source in sources:
        assert source.published
        counts[source.category] += source.published
    assert len(sources) == 37 and counts == PUBLISHED and sum(counts.values()) == 5_754_412
