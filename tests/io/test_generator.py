from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refnms.errors import InputError, InputWarning
from refnms.io.generator import ExcitationGenerator, read_excitation_generator


def edited(folder: Path, tmp_path: Path, old: str, new: str) -> Path:
    text = (folder / "excitationGenerator.xml").read_text()
    assert old in text
    path = tmp_path / "generator.xml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_weights_stand_where_muscle_and_signal_say(folder: Path) -> None:
    generator = read_excitation_generator(folder / "excitationGenerator.xml")
    assert generator.signals == ("sol", "tib")
    expected = np.array([[1.0, 0.0], [0.75, 0.25]])
    np.testing.assert_array_equal(generator.matrix(["soleus", "gastroc"]), expected)


def test_a_muscle_without_excitation_is_an_error_naming_all_of_them(folder: Path) -> None:
    generator = read_excitation_generator(folder / "excitationGenerator.xml")
    with pytest.raises(InputError, match="'solius'; the nearest known is 'soleus'") as error:
        generator.matrix(["soleus", "gastroc", "solius", "tibant"])
    assert len(error.value.problems) == 2


def test_a_silent_muscle_has_zero_weights_and_a_warning() -> None:
    generator = ExcitationGenerator(Path("g.xml"), ("e",), {"a": {"e": 1.0}, "b": {}})
    with pytest.warns(InputWarning, match="never excited: b"):
        weights = generator.matrix(["a", "b"])
    np.testing.assert_array_equal(weights, [[1.0], [0.0]])


def test_excitations_of_strangers_are_ignored_with_a_warning() -> None:
    generator = ExcitationGenerator(Path("g.xml"), ("e",), {"a": {"e": 1.0}, "b": {"e": 1.0}})
    with pytest.warns(InputWarning, match="lacks: b"):
        assert generator.matrix(["a"]).shape == (1, 1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            ">tib<",
            ">tip<",
            "line 4: 'tip' is not among the inputSignals; the nearest known is 'tib'",
        ),
        (">tib<", ">sol<", "line 4: 'sol' stands twice in excitation 'gastroc'"),
        ('id="soleus"', 'id="gastroc"', "line 5: excitation 'gastroc' stands twice"),
        ("weight=", "weigth=", "lacks the attribute 'weight'"),
        ('"0.75"', '"0,75"', "line 3: .*attribute weight: expected a number, found '0,75'"),
        ("sol tib", "sol sol tib", "names 'sol' more than once"),
    ],
)
def test_faults_are_told_with_file_and_line(
    folder: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_excitation_generator(edited(folder, tmp_path, old, new))
