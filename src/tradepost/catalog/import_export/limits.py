"""How large a file may be, and the error that says why a file can't be read."""

from tradepost.engine.exceptions import TradepostError

BYTES_MAX = 10_000_000
UNPACKED_BYTES_MAX = 200_000_000  # XLSX, XLSB and ODS are zips
UNPACKED_PARTS_MAX = 10_000
ROWS_MAX = 20_000
COLUMNS_MAX = 60
CELL_CHARS_MAX = 32_767  # the limit of spreadsheet programs


class SpreadsheetError(TradepostError):
    """The file can't be read. The message says why, for the form's field."""
