"""``SkimClassifier``: the skimming text classifier as a scikit-learn estimator.

Torch is needed to ``fit``, never to predict: a fitted estimator, unpickled or loaded elsewhere,
reads with what ``skimrnn.load`` reads with.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skimrnn.config import resolve_levels
from skimrnn.decision import Rule
from skimrnn.machine import usable_cores
from skimrnn.model_file import ModelFile, read_model, write_model
from skimrnn.model_folder import ModelFileError
from skimrnn.reading import chosen
from skimrnn.runtime import Model, bundled_models, model_folder
from skimrnn.tasks import Examples
from skimrnn.tasks.base import make_task
from skimrnn.tasks.splits import strata, stratified_split

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.class_weight import compute_sample_weight
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted
except ImportError as error:  # pragma: no cover - tested in a process of its own
    raise ImportError(
        "SkimClassifier needs scikit-learn; install it with: pip install 'skimrnn[sklearn,train]'"
    ) from error

if TYPE_CHECKING:
    from skimrnn.calibration import Calibration
    from skimrnn.reading import Reading

Texts = Iterable[Any]


class SkimClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # untyped bases
    """A text classifier that reads the words that matter and skims the rest.

    Args:
        cell: "lstm", "gru", "rnn_tanh" or "rnn_relu".
        hidden_size: D, units of the full cell.
        skim_size: S, units that a skim updates; None for a plain RNN that reads every word.
        skim_weight: γ, weight of the penalty: of the paper's, where more skims more, or of the
            distance to ``wanted_rate``; None for 0.01, or for what a rate needs.
        wanted_rate: the share of the words to skim, such as 0.9, in place of the paper's penalty.
        num_layers: stacked layers.
        bidirectional: whether each layer also reads backwards.
        vectors: a word-vector file, or a packaged table's name ("glove-6b-50d"); None draws them.
        start: a model to go on from, a bundled one's name ("imdb") or a folder, whose full cell
            has these sizes; None to begin anew. It has its own word vectors.
        embedding_size: E, where there are neither.
        epochs: at most so many passes over the texts.
        patience: stop after so many evaluations, two a pass, without a better one.
        batch_size: texts per step.
        learning_rate: of Adam.
        dropout: on word vectors and on the final state.
        max_tokens: training texts are cut there; predicting never cuts.
        min_count: words seen at least so often are known.
        max_words: at most so many are; None for no limit.
        validation_fraction: share of the texts, of each class, that training is judged by.
        options: further settings by name, those of ``skimrnn.train.TrainingOptions``.
        class_weight: "balanced", a weight by class, or None for all alike; not for several labels
            a text.
        threshold: θ that predicting reads with; lower skims more, 1 reads every word. Can be set
            after fitting, or chosen by ``tune``.
        budget: ceiling on the share of words read: budget n + burst of the first n; None for none.
        burst: reads allowed ahead of the budget.
        n_jobs: threads that predicting shares texts among; None for one.
        device: "cpu", or "cuda" to train on a GPU.
        random_state: of the split, parameters, order and noise.
        verbose: whether each evaluation is printed.

    Attributes:
        classes_: the C classes, sorted, as they were given; 0 to C - 1 where a text has several.
        label_names_: what a saved model then calls them, the columns of the data frame that ``y``
            was; None where it was none.
        model_: the ``skimrnn.Model`` that reads; None where all texts had one label, which is then
            all that is ever predicted.
        training_: how it was trained, as JSON values.

    Source: Seo et al., "Neural Speed Reading via Skim-RNN", ICLR 2018.
    """

    def __init__(
        self,
        *,
        cell: str = "lstm",
        hidden_size: int = 100,
        skim_size: int | None = 10,
        skim_weight: float | None = None,
        wanted_rate: float | None = None,
        num_layers: int = 1,
        bidirectional: bool = False,
        vectors: str | None = None,
        start: str | None = None,
        embedding_size: int = 50,
        epochs: int = 20,
        patience: int = 12,
        batch_size: int = 32,
        learning_rate: float = 2e-3,
        dropout: float = 0.5,
        max_tokens: int = 400,
        min_count: int = 2,
        max_words: int | None = None,
        validation_fraction: float = 0.1,
        options: Mapping[str, Any] | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        threshold: float | str = 0.5,
        budget: float | None = None,
        burst: float = 1,
        n_jobs: int | None = None,
        device: str = "cpu",
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.skim_size = skim_size
        self.skim_weight = skim_weight
        self.wanted_rate = wanted_rate
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.vectors = vectors
        self.start = start
        self.embedding_size = embedding_size
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.max_tokens = max_tokens
        self.min_count = min_count
        self.max_words = max_words
        self.validation_fraction = validation_fraction
        self.options = options
        self.class_weight = class_weight
        self.threshold = threshold
        self.budget = budget
        self.burst = burst
        self.n_jobs = n_jobs
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    # ---- learning -------------------------------------------------------------------------------

    def fit(
        self,
        X: Texts,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        unlabelled: Texts | None = None,
        teacher: ArrayLike | None = None,
    ) -> Self:
        """Learn from labelled texts, and from others by what a teacher says of them.

        Args:
            X: N texts, a list, an array or a column; bytes are read as UTF-8, and what is no text,
                such as a number, as ``str`` of it; None and NaN are refused.
            y: a label for each, (N,): strings, numbers or booleans; or, for any number of labels a
                text, whether it has each of C labels, (N, C) of 0 and 1, as scikit-learn's
                MultiLabelBinarizer gives it. The columns of a data frame name the labels.
            sample_weight: how much each text counts, (N,); all alike if None. A text of weight 0
                is not learnt from, nor is training judged by it.
            unlabelled: M more texts, of which only ``teacher`` says something.
            teacher: its probability of each class, sorted, for each of those, (M, C), as any
                classifier's ``predict_proba`` gives it.

        Raises:
            ValueError: if texts and labels differ in number, a setting does not fit, every text
                has the same several labels, or unlabelled texts and their teacher do not fit each
                other. What was fitted before is then as it was.
            ImportError: if torch is not there.
        """
        texts, labels = texts_of(X), _labels(y)
        if len(texts) != len(labels):
            raise ValueError(
                f"X and y must have an entry for each text; got {len(texts)} and {len(labels)}"
            )
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        several = labels.ndim == 2
        classes, targets = (
            (np.arange(labels.shape[1]), labels)
            if several
            else np.unique(labels, return_inverse=True)
        )
        # Of a data frame; else a model that is saved calls its labels "0" to C - 1.
        columns = [str(name) for name in y.columns] if several and hasattr(y, "columns") else None
        weights = self._weights(labels, sample_weight)
        taught = _taught(unlabelled, teacher, len(classes))
        model: Model | None = None
        if several or len(classes) > 1:
            names = columns or _names(classes)
            model = self._train(Examples(texts, targets), names, weights, taught, seed)
        # Only now: a fit that failed or was interrupted leaves what there was.
        self.classes_ = classes
        self.label_names_: list[str] | None = columns
        self.model_ = model
        self.training_: dict[str, Any] = {} if model is None else model.training
        return self

    def _weights(
        self, labels: NDArray[Any], sample_weight: ArrayLike | None
    ) -> NDArray[np.float64] | None:
        """How much each text counts by its class and by itself; None where all count alike."""
        if self.class_weight is None and sample_weight is None:
            return None
        weights = np.ones(len(labels))
        if self.class_weight is not None and labels.ndim == 2:
            raise ValueError(
                "class_weight is for one label a text; with several, weigh texts by sample_weight; "
                f"got class_weight={self.class_weight!r}"
            )
        if sample_weight is not None:
            own = np.asarray(sample_weight, np.float64)
            if own.shape != labels.shape[:1]:
                raise ValueError(
                    f"sample_weight must be one number for each of the {len(labels)} texts; got "
                    f"shape {own.shape}"
                )
            if not np.isfinite(own).all() or (own < 0).any() or not own.any():
                raise ValueError(
                    "sample_weight must be finite, at least 0, and not 0 for every text"
                )
            weights = own.copy()
        if self.class_weight is not None:
            counted = weights > 0  # a text of weight 0 is not there
            weights[counted] *= compute_sample_weight(self.class_weight, labels[counted])
        return weights

    def _train(
        self,
        whole: Examples,
        names: list[str],
        weights: NDArray[np.float64] | None,
        taught: tuple[list[str], NDArray[np.float32]],
        seed: int,
    ) -> Model:
        from skimrnn.train import TrainingOptions, train_classifier  # torch is needed from here on

        share = self.validation_fraction
        if not isinstance(share, float | np.floating) or not 0 < share < 1:
            raise ValueError(f"validation_fraction must be between 0 and 1; got {share!r}")
        known = {field.name for field in dataclasses.fields(TrainingOptions)}
        if self.options is not None and not {*self.options} <= known:
            unknown = ", ".join(map(repr, sorted({*self.options} - known, key=str)))
            raise ValueError(
                f"options must be a dict of training options, {', '.join(sorted(known))}; got "
                f"{unknown}"
            )
        if weights is not None:  # a part of zeros alone could not be learnt from or judged by
            whole, weights = whole.take(np.flatnonzero(weights)), weights[weights != 0]
        shares = [self.validation_fraction]
        train, validation = stratified_split(strata(whole.targets), shares, seed)
        if not len(validation):  # one text a class: what was learnt is all there is to judge by
            validation = train
        held_out = whole.take(validation)
        task = make_task(
            "texts",
            names,
            {"train": whole.take(train), "validation": held_out, "test": held_out},
            {"source": "SkimClassifier.fit"},
        )
        unlabelled, said = taught
        own = task.train.targets  # a labelled text's teacher is its label
        teacher = np.concatenate([own if own.ndim == 2 else np.eye(len(names))[own], said])
        options = TrainingOptions(
            **{
                "cell": self.cell,
                "hidden_size": self.hidden_size,
                "levels": self._levels(),
                "num_layers": self.num_layers,
                "bidirectional": self.bidirectional,
                "embedding_size": self.embedding_size,
                **self._penalty(),
                "epochs": self.epochs,
                "patience": self.patience,
                "batch_size": self.batch_size,
                "learning_rate": self.learning_rate,
                "dropout": self.dropout,
                "max_tokens": self.max_tokens,
                "min_count": self.min_count,
                "max_words": self.max_words,
                "seed": seed,
                **(self.options or {}),
            }
        )
        with tempfile.TemporaryDirectory(prefix="skimrnn-") as folder:
            trained = train_classifier(
                task,
                options,
                Path(folder) / "model",
                vectors=self.vectors,
                start=None if self.start is None else model_folder(self.start),
                teacher=teacher if unlabelled else None,
                unlabelled=unlabelled,
                weights=None if weights is None else weights[train],
                validation_weights=None if weights is None else weights[validation],
                device=self.device,
                show=self._show,
            )
            return Model(read_model(trained.folder))

    def _penalty(self) -> dict[str, Any]:
        """What asks for skimming: a rate that is wanted, or the paper's penalty."""
        from skimrnn.train.options import RATE_WEIGHT

        given = {} if self.skim_weight is None else {"skim_weight": self.skim_weight}
        if self.wanted_rate is None:
            return given
        if self.skim_size is None:
            raise ValueError(
                f"a plain RNN skims nothing; got wanted_rate={self.wanted_rate!r} with "
                "skim_size=None: give a skim_size, or leave wanted_rate out"
            )
        rate = {"penalty": "rate", "wanted_rate": self.wanted_rate}
        return {**rate, "skim_weight": RATE_WEIGHT, **given}

    def _levels(self) -> tuple[int, ...]:
        # A grid of settings may be a NumPy array, whose numbers a config does not take.
        hidden, skim = (
            cast(Any, size.item() if isinstance(size, np.generic) else size)
            for size in (self.hidden_size, self.skim_size)
        )
        return (hidden,) if skim is None else resolve_levels(hidden, skim, None)

    def _show(self, event: dict[str, Any]) -> None:
        if self.verbose and event["event"] == "evaluation":
            rate = event["skim_rate"]
            skimmed = "" if rate is None else f", skimmed {100 * rate:.0f} %"
            f1 = f"micro-F1 {100 * event['f1']:.1f} %, " if "f1" in event else ""
            print(  # noqa: T201 - what verbose is for
                f"epoch {event['epoch']:.1f}: held-out {f1}accuracy {100 * event['accuracy']:.1f} %"
                f"{skimmed}",
                flush=True,
            )

    # ---- reading --------------------------------------------------------------------------------

    def predict(self, X: Texts) -> NDArray[Any]:
        """The likeliest class of each text, (N,).

        Of several labels a text: 1 for each label of a probability of 0.5 or more, else 0, (N, C).
        """
        proba = self.predict_proba(X)
        if self.model_ is not None and self.model_.multilabel:
            return chosen(proba, True).astype(np.int64)
        return np.asarray(self.classes_[np.argmax(proba, axis=1)])

    def predict_proba(self, X: Texts) -> NDArray[np.float32]:
        """The probability of each class for each text, (N, C), columns as in ``classes_``.

        Of several labels a text each is by itself, and rows do not add up to 1.
        """
        check_is_fitted(self)
        texts, model = texts_of(X), self.model_
        if model is None:
            return np.ones((len(texts), 1), np.float32)
        return model.predict_proba(texts, **self._how())

    def explain(self, text: str) -> Reading:
        """What was read and what was skimmed of one text, and the probabilities.

        Raises:
            ValueError: if all training texts had one label, so that nothing reads.
        """
        reading: Reading = self._reader().read(text, **self._rule())
        return reading

    def encode(self, X: Texts) -> NDArray[Any]:
        """What the classifier's head sees of each text, (N, directions * D); for other models.

        Raises:
            ValueError: as ``explain``.
        """
        model = self._reader()
        return model.encode(texts_of(X), **self._how())

    def tune(
        self,
        X: Texts,
        y: ArrayLike,
        *,
        max_accuracy_drop: float | None = None,
        skim_rate: float | None = None,
        max_us_per_token: float | None = None,
    ) -> Calibration:
        """Choose ``threshold`` by exactly one goal, on labelled texts that were not learnt from.

        Texts are read under ``budget``, as they are in predicting.

        Args:
            X: the texts.
            y: their labels, of ``classes_``; with several a text, (N, C) as for ``fit``.
            max_accuracy_drop: points of accuracy (0.5 is half a percent), of micro-F1 with several
                labels a text, that may be lost against the most accurate threshold; the fastest of
                those is chosen.
            skim_rate: share of words to skim at least; the most accurate of those is chosen.
            max_us_per_token: microseconds a word at most; likewise.

        Returns:
            Every threshold tried, and the one that ``threshold`` now is.

        Raises:
            ValueError: if a label is none of ``classes_``, not exactly one goal is given, or no
                threshold reaches it.
        """
        from skimrnn.calibration import calibrate

        model = self._reader()
        examples = Examples(texts_of(X), self._targets(_labels(y), model))
        rule = Rule(self.threshold, self.budget, self.burst)
        found = calibrate(
            Model(dataclasses.replace(model.file, rule=rule)),
            examples,
            max_accuracy_drop=max_accuracy_drop,
            skim_rate=skim_rate,
            max_us_per_token=max_us_per_token,
        )
        self.threshold = found.chosen.threshold
        return found

    def _targets(self, labels: NDArray[Any], model: Model) -> NDArray[Any]:
        """Labels that were given as columns of ``classes_``, or as booleans for each of them."""
        if model.multilabel or labels.ndim == 2:
            wanted = (len(labels), len(self.classes_)) if model.multilabel else (len(labels),)
            if labels.shape != wanted:
                raise ValueError(
                    f"y must have the shape {wanted}, as what was learnt; got {labels.shape}"
                )
            return labels
        column_of = {one: column for column, one in enumerate(self.classes_.tolist())}
        strange = sorted({str(one) for one in labels.tolist() if one not in column_of})
        if strange:
            raise ValueError(f"y has labels that were not learnt: {', '.join(strange[:5])}")
        return np.array([column_of[one] for one in labels.tolist()], np.int64)

    def _reader(self) -> Model:
        check_is_fitted(self)
        model = self.model_
        if model is None:
            raise ValueError(
                f"all training texts had the label {self.classes_[0]!r}: nothing was learnt that "
                "reads; fit on texts of two labels or more"
            )
        return model

    def _rule(self) -> dict[str, Any]:
        return {"threshold": self.threshold, "budget": self.budget, "burst": self.burst}

    def _how(self) -> dict[str, Any]:
        return {**self._rule(), "workers": _workers(self.n_jobs)}

    # ---- keeping --------------------------------------------------------------------------------

    def save(self, folder: str | Path) -> None:
        """Write a model folder, for ``SkimClassifier.load``, ``skimrnn.load`` and the commands.

        Args:
            folder: where; an older model there is replaced, any other folder with files is refused.

        Raises:
            ValueError: if all training texts had one label.
            OSError: if it cannot be written; nothing is then changed.
        """
        file = self._reader().file
        training = {**file.training, "classes": _plain(self.classes_)}
        rule = Rule(self.threshold, self.budget, self.burst)
        write_model(Path(folder), dataclasses.replace(file, rule=rule, training=training))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """A fitted estimator of a text classifier: of its folder, or of a bundled model's name.

        What it predicts with is as it was saved; settings of its training are the defaults, so
        fitting it again starts from those.

        Raises:
            ModelFileError: if the folder is not a text classifier that can be read.
        """
        here = Path(folder)  # what was saved here comes before what is bundled under that name
        bundled = not here.is_dir() and folder in bundled_models()
        file = read_model(model_folder(folder) if bundled else here)
        if file.text is None:
            raise ModelFileError(Path(folder), ["it is a bare layer, not a text classifier"])
        rule, text = file.rule, file.text
        made = cls(threshold=rule.threshold, budget=rule.budget, burst=rule.burst)
        made.label_names_ = list(text.labels) if text.multilabel else None
        labels = range(len(text.labels)) if text.multilabel else text.labels
        classes = np.array(file.training.get("classes", labels))
        order = np.argsort(classes)  # scikit-learn's measures take the columns to be sorted
        made.classes_ = classes[order]
        made.training_ = dict(file.training)
        # The rule is the estimator's own: a budget of None is none.
        made.model_ = Model(dataclasses.replace(_with_labels(file, order), rule=Rule()))
        return made

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        model = state.get("model_")
        return state if model is None else {**state, "model_": model.file}

    def __setstate__(self, state: dict[str, Any]) -> None:
        file = state.get("model_")
        super().__setstate__(state if file is None else {**state, "model_": Model(file)})

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "classes_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_label = True
        return tags


def texts_of(X: Texts, what: str = "X") -> list[str]:
    """The texts of a list, an array or a column, each as a str; ``what`` names it in errors.

    Raises:
        ValueError: if it is one text, a table, or no sequence, or if a text is missing.
    """
    if isinstance(X, str | bytes):
        raise ValueError(f"{what} must be several texts, such as a list of str; got one text")
    if _is_table(X):
        shape = f"shape {X.shape}" if hasattr(X, "shape") else f"keys {', '.join(map(str, X))}"
        raise ValueError(
            f"{what} must be one column of texts; got a {type(X).__name__} of {shape}: name the "
            'column, such as X["text"], or flatten it'
        )
    try:
        given = list(X)
    except TypeError:
        said = f"{what} must be several texts, such as a list of str; got {X!r}"
        raise ValueError(said) from None
    missing = _missing(given)
    if missing:
        raise ValueError(f"{what} has no text in {missing}: fill or remove them")
    return [_text(one) for one in given]


def _is_table(X: object) -> bool:
    """Whether what it gives one by one are columns' names, or rows of several texts.

    Rows of numbers are let pass, which scikit-learn's own checks give.
    """
    rows = getattr(X, "ndim", 1) != 1
    return isinstance(X, Mapping) or (
        rows and (hasattr(X, "columns") or getattr(X, "dtype", np.dtype("O")).kind in "OUST")
    )


def _text(one: object) -> str:
    if isinstance(one, str):
        return one
    return one.decode(errors="replace") if isinstance(one, bytes) else str(one)


def _taught(
    unlabelled: Texts | None, teacher: ArrayLike | None, classes: int
) -> tuple[list[str], NDArray[np.float32]]:
    """The unlabelled texts and what is said of them, (M, C); none if none are given."""
    if (unlabelled is None) != (teacher is None):
        given = "unlabelled" if teacher is None else "teacher"
        raise ValueError(
            "unlabelled texts and what a teacher says of them come together; got only " + given
        )
    if unlabelled is None:
        return [], np.zeros((0, classes), np.float32)
    texts = texts_of(unlabelled, "unlabelled")
    wanted = (
        f"teacher must be a probability of each of {classes} classes for each of {len(texts)} "
        "unlabelled texts, as predict_proba gives them"
    )
    try:
        said = np.asarray(teacher, np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"{wanted}; got {_short(teacher)}") from None
    if said.shape != (len(texts), classes):
        raise ValueError(f"{wanted}; got shape {said.shape}")
    return texts, said


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}..."


def _labels(y: ArrayLike) -> NDArray[Any]:
    """One label for each text, (N,), or whether it has each of several, bool (N, C).

    Raises:
        ValueError: if they are neither, none at all, or no classes.
    """
    if isinstance(y, list | tuple) and not all(map(_is_indicator, y)):
        # As they are: in an array of strings what is missing would be the string "nan".
        _check_labels(np.fromiter(y, object, len(y)))
    labels = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    if labels.dtype == object and labels.ndim == 1:
        _check_labels(labels)
    check_classification_targets(labels)
    if len(labels) and labels.ndim == 2 and labels.shape[1] > 1 and np.isin(labels, (0, 1)).all():
        return labels.astype(np.bool_)
    if labels.ndim != 1 or not len(labels):
        raise ValueError(
            "y must be one label for each text, (N,), or 0 or 1 for each text and each of two or "
            f"more labels, (N, C); got shape {labels.shape}"
        )
    return labels


def _is_indicator(row: object) -> bool:
    """Whether this can be a text's row of numbers, one for each of several labels."""
    if isinstance(row, list | tuple):
        return all(isinstance(one, int | float | np.number | np.bool_) for one in row)
    return isinstance(row, np.ndarray)


def _check_labels(labels: NDArray[Any]) -> None:
    """Raise a ValueError if some of them are missing, or several to a text in a list each."""
    several = next((one for one in labels if isinstance(one, list | tuple | set | dict)), None)
    if several is not None:
        raise ValueError(
            f"y must be one label for each text; got {several!r}: for several labels a text make "
            "columns of 0 and 1 of them, as scikit-learn's MultiLabelBinarizer does"
        )
    missing = _missing(labels)
    if missing:
        raise ValueError(f"y has no label in {missing}: fill or remove them")


def _missing(values: Sequence[Any] | NDArray[Any]) -> str:
    """Which of the values are missing, for a message; nothing if none is."""
    rows = [str(row) for row, one in enumerate(values) if _is_missing(one)]
    shown = ", ".join(rows[:5]) + (", ..." if len(rows) > 5 else "")
    return f"{len(rows)} of {len(values)} rows, at {shown}" if rows else ""


def _is_missing(one: object) -> bool:
    """Whether it stands for nothing: None, NaN, or what pandas has for it."""
    if isinstance(one, float | np.floating):
        return bool(np.isnan(one))
    return one is None or type(one).__name__ in ("NAType", "NaTType")


def _names(classes: NDArray[Any]) -> list[str]:
    """The classes as a model's labels, which are strings."""
    names = [str(one) for one in classes.tolist()]
    return names if len(set(names)) == len(names) else [repr(one) for one in classes]


def _with_labels(file: ModelFile, order: NDArray[Any]) -> ModelFile:
    """The model with its labels in another order; its head's rows go with them."""
    assert file.text is not None
    text = file.text
    return dataclasses.replace(
        file,
        text=dataclasses.replace(
            text,
            labels=tuple(text.labels[at] for at in order),
            head_weight=text.head_weight[order],
            head_bias=text.head_bias[order],
        ),
    )


def _plain(classes: NDArray[Any]) -> Sequence[Any]:
    """The classes as JSON has them.

    Raises:
        ValueError: if a class is neither a string, a number nor a boolean.
    """
    values: list[Any] = classes.tolist()
    odd = [one for one in values if not isinstance(one, str | int | float | bool)]
    if odd:
        raise ValueError(
            f"classes can be saved if they are strings, numbers or booleans; got {odd[0]!r}"
        )
    return values


def _workers(n_jobs: int | None) -> int:
    """Threads, counted as scikit-learn counts them: -1 is one for each core to use."""
    if n_jobs is None:
        return 1
    workers = n_jobs if n_jobs > 0 else usable_cores() + 1 + n_jobs
    if n_jobs == 0 or workers < 1:
        raise ValueError(f"n_jobs must be None, at least 1, or below 0 from the end; got {n_jobs}")
    return workers
