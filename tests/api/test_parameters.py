"""Forms are read as the library reads them, only faster."""

from urllib.parse import unquote_to_bytes

from hypothesis import given
from hypothesis import strategies as st

from tradepost.api import parameters

FORM = "application/x-www-form-urlencoded"
ESCAPES = st.lists(
    st.text(max_size=3)
    | st.sampled_from(["%", "%2", "%zz", "%3A", "%2F", "%2C", "%2f", "%C3%A9", "%e2%82", "%41", "+", "a"])
).map("".join)


@given(value=ESCAPES)
def test_escapes_are_decoded_as_the_library_decodes_them(value: str) -> None:
    sent = value.replace("&", "").encode("utf-8", "replace")
    expected = unquote_to_bytes(sent.replace(b"+", b" ")).decode("utf-8", "replace").replace("\0", "\ufffd").strip()
    read = parameters.parse_parameters(b"", FORM, b"x=" + sent)
    assert read == ({} if expected in parameters.JUNK else {"x": expected})
