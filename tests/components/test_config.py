"""A config goes into one JSON parameter and comes back, or the error says why not."""

import dataclasses
import json
from datetime import datetime, timezone
from typing import Literal

import pydantic
import pytest
from pydantic import Field

from components.config import (
    CONFIG,
    ConfigInvalid,
    Count,
    Days,
    Fraction,
    as_parameter,
    component_config,
    read_config,
)


@component_config
class ShopConfig:
    """Some settings of every kind."""

    share: Fraction = Field(default=0.5, description="Fraction of what is sold.")
    days: Days = Field(default=3, description="Days open.")
    cutoffs: tuple[datetime, ...] = Field(default=(), description="Moments.")
    newest: datetime | None = Field(default=None, description="One moment.")
    weights: dict[str, float] = Field(default_factory=lambda: {"b": 1.0}, description="By name.")
    mode: Literal["open", "closed"] = Field(default="open", description="What the door does.")
    sizes: tuple[Count, ...] = Field(default=(1, 2), description="Sizes.")
    reason: str = Field(default="", description="In words.")

    @pydantic.model_validator(mode="after")
    def _closed_needs_a_reason(self):
        if self.mode == "closed" and not self.reason:
            raise ValueError("mode is closed, which needs a reason")
        return self


def parameters(**changes):
    return {CONFIG: json.dumps(json.loads(as_parameter(ShopConfig())) | changes)}


def test_what_is_written_is_read_back():
    moment = datetime(2026, 5, 1, tzinfo=timezone.utc)
    config = ShopConfig(
        share=0.1,
        cutoffs=(moment,),
        newest=moment,
        weights={"ä": 0.25},
        sizes=(7,),
        reason="größer",
    )
    assert read_config(ShopConfig, {CONFIG: as_parameter(config)}) == config


def test_equal_configs_give_equal_texts_with_sorted_keys():
    one = as_parameter(ShopConfig(weights={"a": 1, "b": 2}))
    assert one == as_parameter(ShopConfig(weights={"b": 2, "a": 1}))
    assert list(json.loads(one)) == sorted(json.loads(one))


def test_letters_outside_ascii_need_no_backslash():
    assert "\\" not in as_parameter(ShopConfig(reason="größer"))


def test_a_config_is_frozen_and_validated_when_built():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ShopConfig().share = 0.1
    with pytest.raises(pydantic.ValidationError, match="less than or equal to 1"):
        ShopConfig(share=2)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"share": 1.5}, "share is 1.5: Input should be less than or equal to 1 (Fraction of"),
        ({"mode": "ajar"}, "mode is 'ajar': Input should be 'open' or 'closed' (What the door"),
        ({"sizes": [1, 0]}, "sizes.1 is 0: Input should be greater than or equal to 1"),
        ({"weights": {"b": "much"}}, "weights.b is 'much': Input should be a valid number"),
        ({"colour": "red"}, "colour: Unexpected keyword argument"),
        ({"mode": "closed"}, "its values together: Value error, mode is closed, which needs"),
    ],
)
def test_a_wrong_value_is_named_with_component_field_and_what_was_expected(changes, said):
    with pytest.raises(ConfigInvalid) as caught:
        read_config(ShopConfig, parameters(**changes))
    assert str(caught.value).startswith("Shop: config does not fit ShopConfig: ")
    assert said in str(caught.value)


def test_a_missing_field_is_no_default():
    values = json.loads(as_parameter(ShopConfig()))
    del values["days"]
    with pytest.raises(ConfigInvalid, match="days is missing"):
        read_config(ShopConfig, {CONFIG: json.dumps(values)})


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"share": 1}, r"Shop got no parameter 'config', but \['share'\]"),
        ({CONFIG: "{"}, "Shop: config is '{'"),
        ({CONFIG: "[]"}, "expected a JSON object"),
    ],
)
def test_a_parameter_that_is_no_json_object_is_refused(properties, said):
    with pytest.raises(ConfigInvalid, match=said):
        read_config(ShopConfig, properties)


def test_a_setting_without_default_or_description_is_refused():
    class NoDefault:
        days: Days = Field(description="Days open.")

    class NoDescription:
        days: Days = 3

    for wrong in (NoDefault, NoDescription):
        with pytest.raises(TypeError, match=r"days needs Field\(default=..., description=...\)"):
            component_config(wrong)
