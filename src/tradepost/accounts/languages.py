"""The languages of the panel: their codes, and their names in the language itself."""

LANGUAGES = [("en", "English"), ("es", "Español"), ("ru", "Русский")]
