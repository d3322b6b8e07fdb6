"""What goes in and out, as the OpenAPI description has it."""

from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from skimrnn.show import Token, View

MAX_TEXTS = 256
"""Texts of one request."""
MAX_CHARACTERS = 100_000
"""Code points of one text."""
MAX_DETAIL_CHARACTERS = 30_000
"""Code points of all texts of a request that asks for detail: every word becomes an object."""

Text = Annotated[str, StringConstraints(max_length=MAX_CHARACTERS)]


def _as_model(typed: Any, **fields: Any) -> type[BaseModel]:
    """A TypedDict of the library as a model, so that the description has no second copy of it."""
    hints = {name: (hint, ...) for name, hint in get_type_hints(typed).items()}
    model: type[BaseModel] = create_model(
        typed.__name__, __config__=ConfigDict(extra="forbid"), **{**hints, **fields}
    )
    return model


TokenModel = _as_model(Token)
ViewModel = _as_model(View, tokens=(list[TokenModel], ...))  # type: ignore[valid-type]


class ReadRequest(BaseModel):
    """Texts to read, and how."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"texts": ["A joy from start to finish ."]}]},
    )

    texts: list[Text] = Field(min_length=1, max_length=MAX_TEXTS)
    threshold: Annotated[float, Field(allow_inf_nan=False)] | Literal["argmax"] | None = Field(
        None,
        description="θ: skim a word if the router's probability of skimming exceeds it; 1 reads "
        "every word. The model's own if left out.",
    )
    budget: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None,
        description="Read at most this share of the words at every point of a text. The model's "
        "own if left out.",
    )
    detail: bool = Field(
        False,
        description="Say what was done with each word, how the probabilities moved, and the time; "
        f"at most {MAX_DETAIL_CHARACTERS:,} characters in all.",
    )


class Course(BaseModel):
    """How the class probabilities moved along a text."""

    model_config = ConfigDict(extra="forbid")

    words: list[int] = Field(description="After so many words; at most some 200 points.")
    probabilities: dict[str, list[float]] = Field(description="Of each label, one a point.")


class Detail(BaseModel):
    """One text word by word."""

    model_config = ConfigDict(extra="forbid")

    view: ViewModel  # type: ignore[valid-type]
    course: Course | None = Field(
        description="None for a model that also reads from the end of a text."
    )


class TextResult(BaseModel):
    """What was read in one text."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(description="The likeliest.")
    chosen: list[str] = Field(description="All that the text has: of several labels, maybe none.")
    probabilities: dict[str, float]
    words: int
    skim_rate: float | None = Field(
        description="Share of (word, layer, direction) skimmed; None without a word."
    )
    detail: Detail | None = None


class Time(BaseModel):
    """Processor time of the texts from text to label, the median of some rounds."""

    model_config = ConfigDict(extra="forbid")

    us: float = Field(description="Microseconds, read as asked.")
    everything_us: float = Field(description="Microseconds, reading every word.")
    rounds: int


class ReadResponse(BaseModel):
    """The texts' results, in their order."""

    model_config = ConfigDict(extra="forbid")

    model: str
    threshold: float | str = Field(description="θ as it was.")
    budget: float | None = Field(description="The ceiling on reads as it was.")
    results: list[TextResult]
    time: Time | None = Field(None, description="Where detail was asked for.")


class RuleModel(BaseModel):
    """The rule that a model reads with unless told otherwise."""

    threshold: float | str
    budget: float | None
    burst: float


class ModelResponse(BaseModel):
    """What is served."""

    name: str
    labels: list[str]
    vocabulary: int = Field(description="Words that it knows.")
    layer: dict[str, Any] = Field(description="Cell, sizes, layers, directions, router.")
    rule: RuleModel
    implementation: str = Field(description="What computes: docs/runtime.md.")
    skimrnn: str = Field(description="The library's version.")


class Status(BaseModel):
    """Whether the server is up."""

    status: Literal["ok"]
