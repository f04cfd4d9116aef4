"""Resources of django-import-export for categories, services and custom rates.

However many rows a file has, there is one query for all rows that it names by id or name, one statement for all new
rows (one per 5,000), and one for all changed rows. The library's own work on each cell is replaced here by faster code,
because a person waits while 20,000 rows are checked.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db.models import Model
from import_export.fields import Field
from import_export.resources import ModelResource

from tradepost.accounts.models import Account
from tradepost.catalog.import_export.cells import FieldCell, FileStyle, NameCell, cell_id, split_currency
from tradepost.catalog.models import Category, CustomRate, Service
from tradepost.database import engine_connection
from tradepost.engine import link_rules
from tradepost.site_settings import effective as site_settings
from tradepost.written_numbers import ExactNumber, NumberStyle, UnclearNumberError

type Row = Mapping[str, str]

CREATE_BATCH_ROWS = 5_000
SERVICE_FIELDS = (
    "id", "position", "name", "description", "type", "rate", "min", "max", "refill", "refill_days",
    "refill_wait_hours", "cancel", "dripfeed", "average_time", "fulfilment", "on_refusal", "is_active", "link_pattern",
    "link_kind", "one_order_per_link",
)  # fmt: skip

# The new values are a JSON array of rows, which PostgreSQL converts to the table's own types.
_UPDATE = """
UPDATE {table} AS old SET ({columns}) = ROW({values})
FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) AS new WHERE old.id = new.id
"""


def _field(column: str, cell: FieldCell | NameCell, attribute: str = "", *, readonly: bool = False) -> Field:
    """Return a column. A cell without a value leaves the row's value unchanged."""
    return Field(attribute or column, column, cell, readonly=readonly, saves_null_values=False)


class SheetResource(ModelResource):  # type: ignore[misc] # published without types
    """Rows of one table. Without `store`, the rows are only checked, and nothing is written."""

    required: tuple[str, ...] = ()  # columns that a new row must have

    class Meta:
        use_bulk = True
        batch_size = None
        skip_diff = True
        store_instance = True

    def __init__(self, *, store: bool = False) -> None:
        super().__init__()
        self._store = store
        self._seen: set[object] = set()
        self._attributes = {field.column_name: field.attribute for field in self.fields.values()}
        self._cells: list[tuple[str, str, FieldCell | NameCell]] = []  # of the columns in the file

    @classmethod
    def field_from_django_field(cls, field_name: str, django_field: Any, readonly: bool) -> Field:
        return _field(field_name, FieldCell(django_field), readonly=readonly)

    def init_instance(self, row: Row | None = None) -> Model:
        """Return a new instance with the database's defaults for texts."""
        instance: Model = super().init_instance(row)
        for field in instance._meta.concrete_fields:  # noqa: SLF001 - documented
            default: object = field.db_default
            if isinstance(default, str):
                setattr(instance, field.attname, default)
        return instance

    def before_import(self, dataset: Any, *, delimiter: str = "", **_: Any) -> None:
        """Find out how the file writes numbers, and load the rows that it names.

        `delimiter` is empty for a spreadsheet. Raises `ValueError` for unknown columns.
        """
        known = {field.column_name for field in self.fields.values()}
        unknown = [name for name in dataset.headers if name not in known]
        if unknown:
            raise ValueError(f"There are no such columns: {', '.join(unknown)}. There are: {', '.join(sorted(known))}.")
        self._cells = [
            (field.column_name, field.attribute, field.widget)
            for field in self.get_import_fields()
            if field.column_name in dataset.headers and not field.readonly
        ]
        self._set_style(dataset, delimiter)
        self.load(dataset)

    def _set_style(self, dataset: Any, delimiter: str) -> None:
        numbers = [(column, cell) for column, _, cell in self._cells if isinstance(cell, FieldCell) and cell.is_number]
        texts = (text for column, _ in numbers for text in set(dataset[column]) if not isinstance(text, ExactNumber))
        style = NumberStyle.of((split_currency(text)[0] for text in texts), delimiter=delimiter)
        currency = site_settings.load().currency
        for _, cell in numbers:
            cell.style = FileStyle(style, currency)

    def import_instance(self, instance: Model, row: Row, **_: Any) -> None:
        """Set the instance's attributes from the row's cells. Raises `ValidationError` with all wrong cells."""
        mistakes = {}
        for column, attribute, cell in self._cells:
            try:
                value = cell.clean(row[column])
            except (ValueError, UnclearNumberError) as error:
                mistakes[attribute] = str(error)
            else:
                if value is not None and not _is_same_text(getattr(instance, attribute), value):
                    setattr(instance, attribute, value)
        if mistakes:
            raise ValidationError(mistakes)

    def load(self, dataset: Any) -> None:
        """Load, in a few queries, all rows that the file names."""
        raise NotImplementedError

    def find(self, row: Row) -> Model | None:
        """Return the object that a row is about; None if the row is new. Raises `ValidationError`."""
        raise NotImplementedError

    def check(self, instance: Any) -> dict[str, str]:  # noqa: ARG002 - for subclasses
        """Return mistakes by column, for values that are valid alone and wrong together."""
        return {}

    def refuse_duplicate(self, key: object, column: str) -> None:
        """Raise `ValidationError` if an earlier row had the same key."""
        if key in self._seen:
            raise ValidationError({column: "Another line is about the same."})
        self._seen.add(key)

    def get_or_init_instance(self, instance_loader: Any, row: Row) -> tuple[Model, bool]:  # noqa: ARG002 - the library's
        instance = self.find(row)
        return (instance, False) if instance else (self.init_instance(row), True)

    def after_init_instance(self, instance: Any, new: bool, row: Row, **_: Any) -> None:
        """Remember the old values as `instance.was`. Raises `ValidationError` if a new row lacks a required cell."""
        instance.was = None if new else self.values(instance)
        missing = [name for name in self.required if new and not row.get(name)]
        if missing:
            raise ValidationError(dict.fromkeys(missing, "Empty, but the row is a new one."))

    def values(self, instance: Model) -> dict[str, Any]:
        """Return the instance's values by column."""
        return {column: getattr(instance, attribute) for column, attribute in self._attributes.items()}

    def changes(self, instance: Any) -> dict[str, tuple[Any, Any]]:
        """Return the changed columns, each with its old and new value as cells."""
        now, was = self.values(instance), instance.was
        return {
            field.column_name: (self.as_cell(field, was[name]), self.as_cell(field, now[name]))
            for field in self.fields.values()
            if was[name := field.column_name] != now[name]
        }

    def as_cell(self, field: Field, value: Any) -> Any:
        return field.widget.render(value)

    def skip_row(self, instance: Any, original: Any, row: Row, import_validation_errors: Any = None) -> bool:  # noqa: ARG002 - the library's
        """Skip valid rows that change nothing."""
        return not import_validation_errors and instance.was is not None and instance.was == self.values(instance)

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        super().validate_instance(instance, import_validation_errors, validate_unique)
        mistakes = self.check(instance)
        if mistakes:
            raise ValidationError(mistakes)

    def bulk_create(self, *_: Any, **__: Any) -> None:
        if self._store and self.create_instances:
            self._meta.model.objects.bulk_create(self.create_instances, batch_size=CREATE_BATCH_ROWS)

    def bulk_update(self, *_: Any, **__: Any) -> None:
        """Write all changed rows in one statement."""
        if not (self._store and self.update_instances):
            return
        meta = self._meta.model._meta  # noqa: SLF001 - documented
        columns = [field.column for field in meta.concrete_fields]
        rows = [
            {field.column: getattr(row, field.attname) for field in meta.concrete_fields}
            for row in self.update_instances
        ]
        query = _UPDATE.format(
            table=meta.db_table,
            columns=", ".join(f'"{name}"' for name in columns),
            values=", ".join(f'new."{name}"' for name in columns),
        )
        engine_connection().execute(query, [msgspec.json.encode(rows).decode()])


def _is_same_text(old: object, new: object) -> bool:
    """Return whether two texts differ by blanks around them alone: a cell's are not read."""
    return isinstance(old, str) and isinstance(new, str) and old.strip() == new


class ByIdMixin:
    """Finds rows by their ids. A row without an id is new. Put before `SheetResource`."""

    _existing: dict[int, Any]

    def load(self: Any, dataset: Any) -> None:
        ids = [number for row in dataset.dict if (number := cell_id(row.get("id") or ""))]
        rows = self._meta.model.objects.filter(pk__in=ids).order_by("pk")
        self._existing = {row.pk: row for row in (rows.select_for_update() if self._store else rows)}

    def find(self: Any, row: Row) -> Any:
        text = row.get("id") or ""
        if not text:
            return None
        existing = self._existing.get(cell_id(text))
        if existing is None:
            raise ValidationError({"id": f"There is no {self._meta.model._meta.verbose_name} {text}."})  # noqa: SLF001
        self.refuse_duplicate(existing.pk, "id")
        return existing


class CategoryResource(ByIdMixin, SheetResource):
    required = ("name",)

    class Meta(SheetResource.Meta):
        model = Category
        fields = ("id", "name", "position")

    def load(self, dataset: Any) -> None:
        super().load(dataset)
        self._names = dict(Category.objects.values_list("name", "pk"))

    def check(self, instance: Any) -> dict[str, str]:
        """Refuse a name that another category or another row has."""
        if self._names.get(instance.name, instance.pk) != instance.pk:
            return {"name": "Another category has this name."}
        self.refuse_duplicate(("name", instance.name), "name")
        return {}


class ServiceResource(ByIdMixin, SheetResource):
    """Services. The column `category` has the category's name."""

    required = ("category", "name", "rate")
    category = _field("category", NameCell("category"), "category_id")

    class Meta(SheetResource.Meta):
        model = Service
        fields = (*SERVICE_FIELDS[:1], "category", *SERVICE_FIELDS[1:])
        export_order = fields

    def load(self, dataset: Any) -> None:
        super().load(dataset)
        ids = dict(Category.objects.values_list("name", "pk"))
        self.fields["category"].widget.ids = ids
        self._category_names = {id_: name for name, id_ in ids.items()}
        self._valid_patterns: set[str] = set()

    def check(self, instance: Any) -> dict[str, str]:
        """Apply the rules of the service's form."""
        mistakes = {}
        if instance.min < 1:
            mistakes["min"] = "At least 1."
        elif instance.max < instance.min:
            mistakes["max"] = f"At least the minimum, {instance.min}."
        if instance.is_active and instance.quarantine:
            mistakes["is_active"] = "It is in quarantine: settle that first."
        try:
            if instance.link_pattern not in self._valid_patterns:
                link_rules.compile_rule(instance.link_pattern)
                self._valid_patterns.add(instance.link_pattern)
        except link_rules.LinkPatternError as error:
            mistakes["link_pattern"] = f"This is no regular expression: {error}."
        return mistakes

    def as_cell(self, field: Field, value: Any) -> Any:
        return self._category_names.get(value, "") if field.column_name == "category" else super().as_cell(field, value)

    def dehydrate_category(self, service: Service) -> Any:
        return self.fields["name"].widget.render(service.category.name)

    def filter_export(self, queryset: Any, **_: Any) -> Any:
        return queryset.select_related("category")


class CustomRateResource(SheetResource):
    """Custom rates. The columns have the account's e-mail address and the service's id."""

    required = ("account", "service", "rate")
    account = _field("account", NameCell("account"), "account_id")
    service = _field("service", NameCell("service"), "service_id")

    class Meta(SheetResource.Meta):
        model = CustomRate
        fields = ("account", "service", "rate")
        export_order = fields
        import_id_fields = ("account", "service")

    def load(self, dataset: Any) -> None:
        addresses = {(row.get("account") or "").lower() for row in dataset.dict}
        people = Account.objects.filter(email__in=addresses).values_list("email", "pk")
        services = {number for row in dataset.dict if (number := cell_id(row.get("service") or ""))}
        self.fields["account"].widget.ids = {str(email): id_ for email, id_ in people}
        self.fields["service"].widget.ids = {
            str(id_): id_ for id_ in Service.objects.filter(pk__in=services).values_list("pk", flat=True)
        }
        ids = self.fields["account"].widget.ids.values()
        rates = CustomRate.objects.filter(account__in=ids, service__in=services).order_by("pk")
        rows = rates.select_for_update() if self._store else rates
        self._existing = {(rate.account_id, rate.service_id): rate for rate in rows}

    def before_import_row(self, row: Any, **_: Any) -> None:
        """Write the address in lower case, as accounts have it, and the id without grouping."""
        row["account"] = (row.get("account") or "").lower()
        row["service"] = str(cell_id(row.get("service") or "") or row.get("service") or "")

    def find(self, row: Row) -> CustomRate | None:
        """Find the rate by account and service."""
        key = (self.fields["account"].widget.ids.get(row["account"]), cell_id(row["service"]))
        if None not in key:
            self.refuse_duplicate(key, "service")
        return self._existing.get(key)  # type: ignore[arg-type] # a key with None is in no dict

    def filter_export(self, queryset: Any, **_: Any) -> Any:
        return queryset.select_related("account")

    def dehydrate_account(self, rate: CustomRate) -> str:
        return str(rate.account.email)

    def dehydrate_service(self, rate: CustomRate) -> int:
        return rate.service_id
