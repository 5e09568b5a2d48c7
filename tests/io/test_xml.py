from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refnms.errors import InputError, InputWarning
from refnms.io.xml import (
    MAX_BYTES,
    MAX_DEPTH,
    Element,
    parse_xml,
    read_xml,
    read_xml_text,
    render_xml,
)

HERE = Path("given.xml")


def parse(text: str) -> Element:
    return parse_xml(text, HERE)


def refusal(text: str | bytes, folder: Path) -> str:
    path = folder / "bad.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as error:
        read_xml(path)
    (problem,) = error.value.problems
    assert problem.file == path
    return str(problem)


def test_an_element_knows_tag_line_attributes_text_and_children() -> None:
    root = parse("<a>\n<b k='1'> x\n</b><!-- no --><b/>\n<c>y</c></a>")
    assert [child.tag for child in root.children] == ["b", "b", "c"]
    assert [child.line for child in root.children] == [2, 3, 4]
    assert root.at("b").text == "x"
    assert root.at("b").attribute("k") == "1"
    assert root.text == ""
    assert root.at("none", "deeper") == Element("deeper", 1)
    assert root.value("c", str.upper, "") == "Y"
    assert root.value("d", str.upper, None) is None


def test_names_with_colons_pass() -> None:
    root = parse('<A::B xsi:nil="1"><x:y/></A::B>')
    assert root.tag == "A::B"
    assert root.attribute("xsi:nil") == "1"


def test_a_comment_does_not_join_two_numbers() -> None:
    assert parse("<a>-0.<!-- -->5</a>").text == "-0. 5"
    assert parse("<a>-0.<?pi?>5</a>").text == "-0. 5"


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE a [<!ENTITY b "b">]>',
        '<!DOCTYPE a SYSTEM "http://example.org/a.dtd">',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>',
    ],
)
def test_document_type_declarations_are_refused_with_their_line(
    declaration: str, tmp_path: Path
) -> None:
    message = refusal(f"<?xml version='1.0'?>\n{declaration}<a>&b;</a>", tmp_path)
    assert "line 2" in message
    assert "document type" in message


def test_unknown_entities_are_refused(tmp_path: Path) -> None:
    assert "line 2" in refusal("<a>\n&b;</a>", tmp_path)


def test_depth_is_limited(tmp_path: Path) -> None:
    deepest = "<a>" * MAX_DEPTH + "</a>" * MAX_DEPTH
    assert parse(deepest).tag == "a"
    assert str(MAX_DEPTH) in refusal(f"<a>{deepest}</a>", tmp_path)
    assert str(MAX_DEPTH) in refusal("<a>" * 200_000, tmp_path)


def test_size_is_limited(tmp_path: Path) -> None:
    assert "larger" in refusal(b"<a>" + b" " * MAX_BYTES + b"</a>", tmp_path)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", "line 1"),
        (b"<a>\n<b></a>", "line 2, column 6"),
        (b"<a></a>\n<b/>", "line 2, column 1"),
        (b"<a>\n\x01</a>", "line 2"),
        (b"<a>\n\0</a>", "line 2: is not text, or is UTF-16"),
        ("<a/>".encode("utf-16"), "UTF-16"),
        (b'<?xml version="1.0" encoding="UTF-16"?><a/>', "encoding 'UTF-16'"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "encoding 'utf-7'"),
        (b'<?xml version="1.0" encoding="rot13"?><a/>', "encoding 'rot13'"),
        (b"<a>\n\xe9\x81</a>", "line 2: is neither UTF-8 nor windows-1252"),
    ],
)
def test_faults_are_told_with_their_place(data: bytes, place: str, tmp_path: Path) -> None:
    assert place in refusal(data, tmp_path)


def test_a_file_cut_anywhere_is_refused() -> None:
    text = '<?xml version="1.0"?>\n<a k="v"><b>1.25</b><!-- c --><c/></a>'
    for end in range(len(text)):
        with pytest.raises(InputError):
            parse(text[:end])


def test_a_missing_file_and_a_folder_are_bad_input(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.xml"):
        with pytest.raises(InputError, match="cannot be read"):
            read_xml(path)


@pytest.mark.parametrize(
    ("head", "codec"),
    [
        ("", "utf-8"),
        ("", "utf-8-sig"),
        ('<?xml version="1.0" encoding="UTF-8"?>', "utf-8-sig"),
        ("<?xml version='1.0' encoding='utf8' ?>", "utf-8"),
        ('<?xml version="1.0" encoding="windows-1252"?>', "cp1252"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?>', "latin-1"),
    ],
)
def test_declared_encodings_are_obeyed(head: str, codec: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(f"{head}<a>é</a>".encode(codec))
    assert read_xml(path).text == "é"


def test_windows_1252_that_says_utf_8_is_read_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes('<?xml version="1.0" encoding="utf-8"?>\n<a>éÿ</a>'.encode("cp1252"))
    with pytest.warns(InputWarning, match=r"line 2: .*windows-1252"):
        assert read_xml(path).text == "éÿ"


CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="￾￿")
TEXT = st.text(CHARACTERS).map(lambda text: text.strip(" \t\r\n"))
TREES = st.recursive(
    st.builds(lambda text, k: Element("leaf", 0, {"k": k}, text), TEXT, TEXT),
    lambda trees: st.builds(
        lambda children: Element("node", 0, {}, "", tuple(children)), st.lists(trees, min_size=1)
    ),
    max_leaves=8,
)


def without_lines(element: Element) -> Element:
    children = tuple(map(without_lines, element.children))
    return Element(element.tag, 0, element.attributes, element.text, children)


@given(TREES)
def test_what_is_written_reads_back(tree: Element) -> None:
    assert without_lines(parse(render_xml(tree))) == tree


def test_every_xml_file_of_the_shared_data_reads(shared: Path) -> None:
    files = [*shared.rglob("*.xml"), *shared.rglob("*.osim")]
    assert len(files) > 100
    for file in files:
        assert read_xml(file).line > 0


def test_an_element_knows_where_its_tags_begin() -> None:
    text = "<a>\n<é k='>'>x</é><b/></a>"
    data, (e, b) = text.encode(), parse(text).children
    assert data[e.span[0] :].startswith("<é k".encode())
    assert data[e.span[1] :].startswith("</é>".encode())
    assert data[b.span[0] :].startswith(b"<b/>")


def test_all_elements_come_in_the_order_of_the_file() -> None:
    assert [e.tag for e in parse("<a><b><c/></b><d/></a>").walk()] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("head", ["", '<?xml version="1.0" encoding="windows-1252"?>'])
def test_the_encoding_gives_the_bytes_back(head: str, tmp_path: Path) -> None:
    data = f"\r\n{head}<a>é</a>".lstrip().encode("cp1252" if head else "utf-8")
    (tmp_path / "a.xml").write_bytes(data)
    text, encoding = read_xml_text(tmp_path / "a.xml")
    assert text.encode(encoding) == data
