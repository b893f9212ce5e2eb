"""No spelling of DATABASE_URL makes a message show its password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import AddressInvalid
from components.postgres.address import read_address


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_schemes_are_read(scheme: str) -> None:
    address = read_address({"DATABASE_URL": f"{scheme}://ann:s%40cret@db.example:5433/goinsight"})
    assert address.name == "ann@db.example:5433/goinsight"
    assert address.parameters["password"] == "s@cret"


def test_query_of_the_url_is_kept() -> None:
    url = "postgresql://db.example/goinsight?sslmode=verify-full&options=-csearch_path%3Dcrm"
    parameters = read_address({"DATABASE_URL": url}).parameters
    assert parameters["sslmode"] == "verify-full"
    assert parameters["options"] == "-csearch_path=crm"


def test_without_a_url_libpq_reads_its_own_variables() -> None:
    address = read_address({"PGHOST": "db.example", "PGUSER": "ann", "PGPASSWORD": "tiger-7"})
    assert address.parameters == {}
    assert address.name.startswith("ann@db.example:")
    assert "tiger-7" not in address.scrubbed("password tiger-7 is wrong")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("mysql://ann:tiger-7@db/x", "starts with mysql://"),
        ("postgresql+psycopg2://ann:tiger-7@db/x", "starts with postgresql+psycopg2://"),
        ("host=db password=tiger-7", "is not a URL"),
        ("postgresql://ann:tiger-7%zz@db/x", "not well-formed"),
        ("postgresql://ann:tiger-7%ab@db/x", "not well-formed"),
        ("postgresql://ann:tiger-7@x@db/x", "not well-formed"),
        ("postgresql://ann:tiger-7/x@db/x", "not well-formed"),
        ("postgresql://ann:7/tiger-7@db/x", "not well-formed"),
        ("postgresql://ann:7?tiger-7/@db/x", "not well-formed"),
    ],
)
def test_bad_url_is_refused_without_being_shown(url: str, found: str) -> None:
    with pytest.raises(AddressInvalid, match="DATABASE_URL") as caught:
        read_address({"DATABASE_URL": url})
    assert found in str(caught.value)
    assert "tiger-7" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


SAID = (
    'connection to server at "db.example" (10.0.0.7), port 5432 failed: FATAL:  password '
    'authentication failed for user "ann"'
)


@pytest.mark.parametrize("password", ["a", "e", "-", "5432", "ann", "server", "failed", "user"])
def test_a_password_is_not_shown_by_what_is_left_out(password: str) -> None:
    url = f"postgresql://ann:{password}@db.example:5432/goinsight"
    assert read_address({"DATABASE_URL": url}).scrubbed(SAID) == " ".join(SAID.split())
    alone = read_address({"PGUSER": "ann", "PGHOST": "db.example", "PGPASSWORD": password})
    assert alone.scrubbed(SAID) == " ".join(SAID.split())


@pytest.mark.parametrize("password", ["x", "tiger-7", "abc"])
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('invalid sslmode value: "{}"', 'invalid sslmode value: "***"'),
        ("could not parse postgresql://ann:{}@db.example/x", "could not parse ***"),
        ("missing = after password={}", "missing = after password=***"),
    ],
)
def test_a_password_where_libpq_shows_one_is_hidden(password: str, said: str, shown: str) -> None:
    url = f"postgresql://ann:{password}@db.example/y"
    assert read_address({"DATABASE_URL": url}).scrubbed(said.format(password)) == shown


@pytest.mark.parametrize("ending", ["\r", "\n", " ", "\t"])
@pytest.mark.parametrize("variable", ["DATABASE_URL", "METADATA_DATABASE_URL"])
def test_what_nobody_sees_at_the_end_of_a_variable_is_named(variable: str, ending: str) -> None:
    url = f"postgresql://ann:tiger-7@db.example/x{ending}"
    with pytest.raises(AddressInvalid, match=f"^{variable} begins or ends with a ") as caught:
        read_address({variable: url}, variable)
    assert "tiger-7" not in str(caught.value)


@given(st.text("ab/@:?#%[]=& '\"\\", max_size=12))
def test_no_part_of_an_unencoded_password_is_shown(part: str) -> None:
    url = f"postgresql://ann:{part}SECRET{part}@db.example:5433/goinsight"
    try:
        shown = read_address({"DATABASE_URL": url}).name
    except AddressInvalid as error:
        shown = str(error)
    assert "SECRET" not in shown
