"""The languages that pages come in, by their codes, each in its own name."""

LANGUAGES = [("en", "English"), ("es", "Español"), ("ru", "Русский")]
