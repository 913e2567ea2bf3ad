"""Parameters are checked when they are built: what no model can take is refused by name, before anything runs."""

import dataclasses
import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from scbench.autoencoders.parameters import AutoencoderParameters, CountVaeParameters
from scbench.metric_learning.parameters import ScdmlParameters, SelfTrainingParameters
from scbench.neural import automatic
from scbench.neural.parameters import MinibatchParameters, TrainingParameters
from scbench.neural.schedules import read_schedules
from scbench.parameters import ParameterError, Parameters, choice, number, numbers
from scbench.transformer.parameters import IntegrationParameters, TrunkParameters


@dataclass(frozen=True, kw_only=True)
class Some(Parameters):
    """One field of every kind."""

    count: int = number(3, 1, 9)
    share: float = number(0.5, 0, 0.99)
    rate: float | None = number(None, above=0, high=1)
    widths: tuple[int, ...] | None = numbers((8, 4), 1)
    word: str | None = choice("red", "red", "green")
    flag: bool = False
    terms: dict = field(default_factory=dict)
    free: float = 0.0


def refusal(cls, **values) -> str:
    with pytest.raises(ParameterError) as caught:
        cls.of(values)
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "count: 0 is below 1"),
        ({"count": 10}, "count: 10 is above 9"),
        ({"count": 2.0}, "count: 2.0 is not of type int"),
        ({"count": True}, "count: True is not of type int"),
        ({"count": "3"}, "count: '3' is not of type int"),
        ({"count": None}, "count: None is not of type int"),
        ({"share": -0.1}, "share: -0.1 is below 0"),
        ({"share": 2}, "share: 2 is above 0.99"),
        ({"share": False}, "share: False is not of type float"),
        ({"share": math.nan}, "share: nan is not a finite number"),
        ({"rate": 0}, "rate: 0 must be above 0"),
        ({"rate": 1.5}, "rate: 1.5 is above 1"),
        ({"rate": math.inf}, "rate: inf is not a finite number"),
        ({"rate": "fast"}, "rate: 'fast' is not of type float or null"),
        ({"widths": []}, "widths: the list is empty; it needs at least one number"),
        ({"widths": [8, 0]}, "widths: 0 is below 1"),
        ({"widths": [8.5]}, "widths: [8.5] is not a list of whole numbers"),
        ({"widths": [8, None]}, "widths: [8, None] is not a list of whole numbers"),
        ({"widths": [[8]]}, "widths: [[8]] is not a list of whole numbers"),
        ({"widths": [True]}, "widths: [True] is not a list of whole numbers"),
        ({"widths": 8}, "widths: 8 is not of type list or null"),
        ({"word": "blue"}, "word: 'blue' is not known; choose one of red, green"),
        ({"word": 3}, "word: 3 is not of type str or null"),
        ({"flag": 1}, "flag: 1 is not of type bool"),
        ({"flag": "yes"}, "flag: 'yes' is not of type bool"),
        ({"terms": [1]}, "terms: [1] is not of type mapping"),
        ({"free": math.inf}, "free: inf is not a finite number"),
        ({"cuont": 3}, "cuont: unknown parameter; known: count, share, rate, widths, word, flag, terms, free"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_is_wrong(values, message):
    assert refusal(Some, **values) == message


@pytest.mark.parametrize(
    "values",
    [
        {"count": 1, "share": 0, "rate": 1e-12},
        {"count": 9, "share": 0.99, "rate": 1},
        {"rate": None, "widths": None, "word": None},
        {"widths": [1], "word": "green", "flag": True, "terms": {"a": [1, 2]}},
    ],
)
def test_values_at_the_ends_of_their_range_and_null_are_taken_as_they_are(values):
    taken = Some.of(values)
    for name, value in values.items():
        assert getattr(taken, name) == (tuple(value) if isinstance(value, list) else value)
    assert {name: value for name, value in dataclasses.asdict(taken).items() if name not in values} == {
        name: value for name, value in dataclasses.asdict(Some()).items() if name not in values
    }


def test_lists_become_tuples_and_parameters_cannot_be_changed():
    taken = Some(widths=[16, 2])
    assert taken.widths == (16, 2)
    assert type(taken.widths) is tuple
    with pytest.raises(dataclasses.FrozenInstanceError):
        taken.count = 4


def test_replacing_a_value_checks_it_again():
    with pytest.raises(ParameterError, match=r"^count: 0 is below 1$"):
        dataclasses.replace(Some(), count=0)


def test_a_method_without_parameters_knows_none():
    assert Parameters.of({}) == Parameters()
    assert refusal(Parameters, anything=1) == "anything: unknown parameter; known: none"


# ---- the families


@pytest.mark.parametrize(
    ("cls", "values", "message"),
    [
        (MinibatchParameters, {"learning_rate": math.nan}, "learning_rate: nan is not a finite number"),
        (MinibatchParameters, {"learning_rate": 0.0}, "learning_rate: 0.0 must be above 0"),
        (MinibatchParameters, {"batch_size": 1}, "batch_size: 1 is below 2"),
        (MinibatchParameters, {"epochs": 0}, "epochs: 0 is below 1"),
        (TrainingParameters, {"held_out": 1.0}, "held_out: 1.0 is above 0.9"),
        (TrainingParameters, {"average": 1}, "average: 1 is above 0.99999"),
        (CountVaeParameters, {"dropout": 2}, "dropout: 2 is above 0.99"),
        (CountVaeParameters, {"latent_dim": 0}, "latent_dim: 0 is below 1"),
        (CountVaeParameters, {"hidden": []}, "hidden: the list is empty; it needs at least one number"),
        (CountVaeParameters, {"beta": -1}, "beta: -1 is below 0"),
        (CountVaeParameters, {"condition_encoder": "yes"}, "condition_encoder: 'yes' is not of type bool"),
        (AutoencoderParameters, {"mask": 1}, "mask: 1 is above 0.99"),
        (AutoencoderParameters, {"n_codes": 1}, "n_codes: 1 is below 2"),
        (AutoencoderParameters, {"objective": [1]}, "objective: [1] is not of type mapping"),
        (ScdmlParameters, {"n_clusters": 1}, "n_clusters: 1 is below 2"),
        (ScdmlParameters, {"resolution": 0}, "resolution: 0 must be above 0"),
        (ScdmlParameters, {"latent_dim": None}, "latent_dim: None is not of type int"),
        (ScdmlParameters, {"epochs": None}, "epochs: None is not of type int"),
        (SelfTrainingParameters, {"rounds": -1}, "rounds: -1 is below 0"),
        (SelfTrainingParameters, {"epochs": None}, "epochs: None is not of type int"),
        (TrunkParameters, {"mask": 0}, "mask: 0 must be above 0"),
        (TrunkParameters, {"n_heads": 5}, "n_heads: a width of 64 does not fall into 5 equal heads"),
        (IntegrationParameters, {"hidden": [64.0]}, "hidden: [64.0] is not a list of whole numbers"),
    ],
)
def test_a_family_refuses_what_it_cannot_compute(cls, values, message):
    assert refusal(cls, **values) == message


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        *[(CountVaeParameters, name) for name in ("likelihood", "dispersion", "size_factor", "prior", "condition")],
        *[(CountVaeParameters, name) for name in ("encoder_norm", "decoder_norm", "activation")],
        *[(AutoencoderParameters, name) for name in ("condition", "reconstruction", "layers")],
        *[(ScdmlParameters, "mining"), (SelfTrainingParameters, "mining"), (ScdmlParameters, "eigengap")],
        *[(TrunkParameters, "attention"), (IntegrationParameters, "position")],
    ],
)
def test_an_unknown_choice_is_refused_by_name_with_those_that_are_known(cls, name):
    known = next(one.metadata["known"] for one in dataclasses.fields(cls) if one.name == name)
    assert refusal(cls, **{name: "magic"}) == f"{name}: 'magic' is not known; choose one of {', '.join(known)}"


@pytest.mark.parametrize("cls", [CountVaeParameters, AutoencoderParameters, IntegrationParameters, ScdmlParameters])
def test_what_a_model_file_holds_of_the_parameters_builds_them_again(cls):
    options = cls(**({"hidden": [7]} if cls is not ScdmlParameters else {}))
    assert cls(**dataclasses.asdict(options)) == options


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"objective": {"magic": 1.0}}, "objective: 'magic' is not known; choose from reconstruction, kl, "),
        ({"objective": {"kl": [1.0, 0.5, 0.2]}}, "objective.kl: [1.0, 0.5, 0.2] is not a weight or "),
        ({"objective": {"kl": [1.0, 0.5]}}, "objective.kl: [1.0, 0.5] is not a weight or "),
        ({"objective": {"kl": [1.0, -0.1, 0.2]}}, "objective.kl: [1.0, -0.1, 0.2] is not a weight or "),
        ({"objective": {"kl": [1.0, 0.1, 1.2]}}, "objective.kl: [1.0, 0.1, 1.2] is not a weight or "),
        ({"objective": {"mmd": -1.0}}, "objective.mmd: -1.0 is not a weight or "),
        ({"objective": {"mmd": math.nan}}, "objective.mmd: nan is not a weight or "),
        ({"objective": {"mmd": math.inf}}, "objective.mmd: inf is not a weight or "),
        ({"objective": {"mmd": "3"}}, "objective.mmd: 3 is not a weight or "),
        ({"objective": {"mmd": True}}, "objective.mmd: True is not a weight or "),
        ({"objective": {"mmd": None}}, "objective.mmd: None is not a weight or "),
        (
            {"objective": {"batch_code": 1.0}},
            "objective: condition z_batch or softmax, batch_code and batch_code_kl need split",
        ),
        ({"condition": "z_batch"}, "objective: condition z_batch or softmax, batch_code and batch_code_kl need split"),
        ({"condition": "softmax"}, "objective: condition z_batch or softmax, batch_code and batch_code_kl need split"),
        ({"pretrain": True, "layers": "convolution"}, "pretrain: convolutions are not trained layer by layer"),
        ({"objective": {"commitment": 1}, "n_groups": 5}, "n_groups: 32 latent dimensions do not fall into 5 equal"),
    ],
)
def test_terms_schedules_and_parts_that_do_not_go_together_are_refused(values, message):
    assert refusal(AutoencoderParameters, **values).startswith(message)


def test_parts_that_go_together_are_taken():
    terms = {"batch_code": 1, "kl": [0.5, 0.1, 0.5], "commitment": 0.25}
    taken = AutoencoderParameters(split=True, objective=terms, n_groups=8, pretrain=True)
    assert read_schedules(taken.objective, terms) == {
        "reconstruction": (1.0, 0.0, 0.0),
        "batch_code": (1.0, 0.0, 0.0),
        "kl": (0.5, 0.1, 0.5),
        "commitment": (0.25, 0.0, 0.0),
    }


# ---- what is chosen by the number of cells


def test_what_is_open_is_filled_by_the_number_of_cells_and_what_is_given_stays():
    few, many = {"beta": 1.0, "prior": "mog"}, {"beta": 0.25, "prior": "normal"}
    still_open = CountVaeParameters(beta=None, prior=None, dropout=None)
    for n_cells, expected in ((2500, (1.0, "mog", 0.24)), (4000, (0.5, "mog", 0.15)), (6400, (0.25, "normal", 0.1))):
        chosen = automatic.by_cells(still_open, n_cells, few=few, many=many)
        assert (chosen.beta, chosen.prior, chosen.dropout) == pytest.approx(expected)
    assert automatic.by_cells(still_open, 4001, few=few, many=many).prior == "normal"
    given = CountVaeParameters(beta=0.0, max_steps=7, dropout=0.0)
    assert automatic.by_cells(given, 4001, few=few, many=many) == given


@pytest.mark.parametrize(("few", "many"), [(850, 1700), (1.0, 0.25)])
def test_numbers_change_with_the_number_of_cells_without_a_jump(few, many):
    name = "max_steps" if isinstance(few, int) else "beta"
    still_open = CountVaeParameters(beta=None)
    found = [
        getattr(automatic.by_cells(still_open, n, few={name: few}, many={name: many}), name) for n in range(2000, 8000)
    ]
    assert type(found[0]) is type(found[2000]) is type(few)
    assert (found[0], found[-1]) == (few, many)
    steps = np.diff(found)
    assert (np.sign(steps[steps != 0]) == np.sign(many - few)).all()
    assert np.abs(steps).max() <= max(abs(many - few) / 1000, 1 if isinstance(few, int) else 0)


def test_what_is_filled_in_is_checked_too():
    with pytest.raises(ParameterError, match=r"^beta: -1 is below 0$"):
        automatic.by_cells(CountVaeParameters(beta=None), 10, few={"beta": -1}, many={})


def test_widths_go_by_the_numbers_of_genes_and_cells():
    assert [automatic.hidden_widths(n) for n in (60, 2999, 3000)] == [(128, 128), (128, 128), (1024, 512)]
    assert [automatic.embedding_width(n) for n in (1_999, 2_000, 20_000, 100_000)] == [16, 32, 64, 128]
