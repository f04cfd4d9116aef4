"""What the rows of a sheet make of categories, services and custom rates.

django-import-export reads the rows. It knows one by the other's id or name, which are read at once, and it is written
at once: of 5,000 rows as of one, a statement for all that are new and one for all that change. What it does for each
cell of each row is done here, in a fraction of its time: a person waits while 20,000 rows are looked at.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db.models import Model
from import_export.fields import Field
from import_export.resources import ModelResource

from tradepost.accounts.models import Account
from tradepost.catalog.import_export.cells import FieldCell, NameCell
from tradepost.catalog.models import Category, CustomRate, Service
from tradepost.database import engine_connection
from tradepost.engine import link_rules
from tradepost.engine.order_types import wire_id

type Row = Mapping[str, str]

CREATED_AT_ONCE = 5_000
SERVICE_FIELDS = (
    "id", "position", "name", "description", "type", "rate", "min", "max", "refill", "refill_days",
    "refill_wait_hours", "cancel", "dripfeed", "average_time", "fulfilment", "on_refusal", "is_active", "link_pattern",
    "one_order_per_link",
)  # fmt: skip

# A row of JSON for each row of the table, with the table's own types.
_UPDATE = """
UPDATE {table} AS kept SET ({columns}) = ROW({told})
FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) AS told WHERE kept.id = told.id
"""


def _field(column: str, cell: FieldCell | NameCell, attribute: str = "", *, readonly: bool = False) -> Field:
    """Make a column; a cell without a value leaves the row as it is."""
    return Field(attribute or column, column, cell, readonly=readonly, saves_null_values=False)


class SheetResource(ModelResource):  # type: ignore[misc] # published without types
    """Rows of one table. `store` says whether they are written, or only looked at."""

    required: tuple[str, ...] = ()  # columns without which no row can be new

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
        self._cells: list[tuple[str, str, FieldCell | NameCell]] = []  # of the columns that the sheet has

    @classmethod
    def field_from_django_field(cls, field_name: str, django_field: Any, readonly: bool) -> Field:
        """Read and write each column by the rules of its field."""
        return _field(field_name, FieldCell(django_field), readonly=readonly)

    def init_instance(self, row: Row | None = None) -> Model:
        """Begin anew, with the texts that the database would fill in."""
        instance: Model = super().init_instance(row)
        for field in instance._meta.concrete_fields:  # noqa: SLF001 - documented
            default: object = field.db_default
            if isinstance(default, str):
                setattr(instance, field.attname, default)
        return instance

    def before_import(self, dataset: Any, **_: Any) -> None:
        """Read all that the rows may name. Raises ValueError for columns that there are not."""
        known = {field.column_name for field in self.fields.values()}
        strange = [name for name in dataset.headers if name not in known]
        if strange:
            raise ValueError(f"There are no such columns: {', '.join(strange)}. There are: {', '.join(sorted(known))}.")
        self._cells = [
            (field.column_name, field.attribute, field.widget)
            for field in self.get_import_fields()
            if field.column_name in dataset.headers and not field.readonly
        ]
        self.load(dataset)

    def import_instance(self, instance: Model, row: Row, **_: Any) -> None:
        """Take a row's cells over. Raises ValidationError for all that are wrong."""
        wrong = {}
        for column, attribute, cell in self._cells:
            try:
                value = cell.clean(row[column])
            except ValueError as error:
                wrong[attribute] = str(error)
            else:
                if value is not None:
                    setattr(instance, attribute, value)
        if wrong:
            raise ValidationError(wrong)

    def load(self, dataset: Any) -> None:
        """Read all that the rows may name."""
        raise NotImplementedError

    def find(self, row: Row) -> Model | None:
        """Return what a row is about, nothing if it is new. Raises ValidationError."""
        raise NotImplementedError

    def check(self, instance: Any) -> dict[str, str]:  # noqa: ARG002 - for those who override it
        """Return what is wrong about values that are right each by itself, by column."""
        return {}

    def once(self, key: object, column: str) -> None:
        """Refuse what another row was about."""
        if key in self._seen:
            raise ValidationError({column: "Another line is about the same."})
        self._seen.add(key)

    def get_or_init_instance(self, instance_loader: Any, row: Row) -> tuple[Model, bool]:  # noqa: ARG002 - the library's
        """Find what a row is about, or begin anew."""
        found = self.find(row)
        return (found, False) if found else (self.init_instance(row), True)

    def after_init_instance(self, instance: Any, new: bool, row: Row, **_: Any) -> None:
        """Remember how it was."""
        instance.was = None if new else self.values(instance)
        missing = [name for name in self.required if new and not row.get(name)]
        if missing:
            raise ValidationError(dict.fromkeys(missing, "Empty, but the row is a new one."))

    def values(self, instance: Model) -> dict[str, Any]:
        """Return what it has in each column."""
        return {column: getattr(instance, attribute) for column, attribute in self._attributes.items()}

    def changes(self, instance: Any) -> dict[str, tuple[Any, Any]]:
        """Return the columns that have changed, with the old value and the new one, as cells."""
        now, was = self.values(instance), instance.was
        return {
            field.column_name: (self.shown(field, was[name]), self.shown(field, now[name]))
            for field in self.fields.values()
            if was[name := field.column_name] != now[name]
        }

    def shown(self, field: Field, value: Any) -> Any:
        """Return a value as a cell."""
        return field.widget.render(value)

    def skip_row(self, instance: Any, original: Any, row: Row, import_validation_errors: Any = None) -> bool:  # noqa: ARG002 - the library's
        """Leave what is so already."""
        return not import_validation_errors and instance.was is not None and instance.was == self.values(instance)

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """Refuse what can't be."""
        super().validate_instance(instance, import_validation_errors, validate_unique)
        wrong = self.check(instance)
        if wrong:
            raise ValidationError(wrong)

    def bulk_create(self, *_: Any, **__: Any) -> None:
        """Write what is new."""
        if self._store and self.create_instances:
            self._meta.model.objects.bulk_create(self.create_instances, batch_size=CREATED_AT_ONCE)

    def bulk_update(self, *_: Any, **__: Any) -> None:
        """Write what has changed, in one statement."""
        if not (self._store and self.update_instances):
            return
        meta = self._meta.model._meta  # noqa: SLF001 - documented
        columns = [field.column for field in meta.concrete_fields]
        rows = [
            {each.column: getattr(row, each.attname) for each in meta.concrete_fields} for row in self.update_instances
        ]
        query = _UPDATE.format(
            table=meta.db_table,
            columns=", ".join(f'"{name}"' for name in columns),
            told=", ".join(f'told."{name}"' for name in columns),
        )
        engine_connection().execute(query, [msgspec.json.encode(rows).decode()])


class ById:
    """Rows known by their ids; one without an id is new."""

    _existing: dict[int, Any]

    def load(self: Any, dataset: Any) -> None:
        """Read the rows of these ids."""
        ids = [number for row in dataset.dict if (number := wire_id(row.get("id") or ""))]
        rows = self._meta.model.objects.filter(pk__in=ids).order_by("pk")
        self._existing = {row.pk: row for row in (rows.select_for_update() if self._store else rows)}

    def find(self: Any, row: Row) -> Any:
        """Find a row by its id."""
        text = row.get("id") or ""
        if not text:
            return None
        found = self._existing.get(wire_id(text))
        if found is None:
            raise ValidationError({"id": f"There is no {self._meta.model._meta.verbose_name} {text}."})  # noqa: SLF001
        self.once(found.pk, "id")
        return found


class CategoryResource(ById, SheetResource):
    """Categories: their names and their order."""

    required = ("name",)

    class Meta(SheetResource.Meta):
        model = Category
        fields = ("id", "name", "position")

    def load(self, dataset: Any) -> None:
        """Read all names, since each is there once."""
        super().load(dataset)
        self._names = dict(Category.objects.values_list("name", "pk"))

    def check(self, instance: Any) -> dict[str, str]:
        """Let no two have the same name."""
        if self._names.get(instance.name, instance.pk) != instance.pk:
            return {"name": "Another category has this name."}
        self.once(("name", instance.name), "name")
        return {}


class ServiceResource(ById, SheetResource):
    """Services, with the names of their categories."""

    required = ("category", "name", "rate")
    category = _field("category", NameCell("category"), "category_id")

    class Meta(SheetResource.Meta):
        model = Service
        fields = (*SERVICE_FIELDS[:1], "category", *SERVICE_FIELDS[1:])
        export_order = fields

    def load(self, dataset: Any) -> None:
        """Read the categories too."""
        super().load(dataset)
        ids = dict(Category.objects.values_list("name", "pk"))
        self.fields["category"].widget.ids = ids
        self._category_names = {id_: name for name, id_ in ids.items()}
        self._rules: set[str] = set()  # that have been read

    def check(self, instance: Any) -> dict[str, str]:
        """Hold it to what the form of a service is held to."""
        wrong = {}
        if instance.min < 1:
            wrong["min"] = "At least 1."
        elif instance.max < instance.min:
            wrong["max"] = f"At least the minimum, {instance.min}."
        if instance.is_active and instance.quarantine:
            wrong["is_active"] = "It is in quarantine: settle that first."
        try:
            if instance.link_pattern not in self._rules:
                link_rules.compile_rule(instance.link_pattern)
                self._rules.add(instance.link_pattern)
        except link_rules.LinkPatternError as error:
            wrong["link_pattern"] = f"This is no regular expression: {error}."
        return wrong

    def shown(self, field: Field, value: Any) -> Any:
        """Name categories."""
        return self._category_names.get(value, "") if field.column_name == "category" else super().shown(field, value)

    def dehydrate_category(self, service: Service) -> Any:
        """Name its category."""
        return self.fields["name"].widget.render(service.category.name)

    def filter_export(self, queryset: Any, **_: Any) -> Any:
        """Take the categories along."""
        return queryset.select_related("category")


class CustomRateResource(SheetResource):
    """Rates agreed with accounts, by their addresses and the services' ids."""

    required = ("account", "service", "rate")
    account = _field("account", NameCell("account"), "account_id")
    service = _field("service", NameCell("service"), "service_id")

    class Meta(SheetResource.Meta):
        model = CustomRate
        fields = ("account", "service", "rate")
        export_order = fields
        import_id_fields = ("account", "service")

    def load(self, dataset: Any) -> None:
        """Read the accounts and services that are named, and the rates that there are."""
        addresses = {(row.get("account") or "").lower() for row in dataset.dict}
        people = Account.objects.filter(email__in=addresses).values_list("email", "pk")
        services = {number for row in dataset.dict if (number := wire_id(row.get("service") or ""))}
        self.fields["account"].widget.ids = {str(email): id_ for email, id_ in people}
        self.fields["service"].widget.ids = {
            str(id_): id_ for id_ in Service.objects.filter(pk__in=services).values_list("pk", flat=True)
        }
        ids = self.fields["account"].widget.ids.values()
        found = CustomRate.objects.filter(account__in=ids, service__in=services).order_by("pk")
        rows = found.select_for_update() if self._store else found
        self._existing = {(rate.account_id, rate.service_id): rate for rate in rows}

    def before_import_row(self, row: Any, **_: Any) -> None:
        """Look addresses up as they are kept."""
        row["account"] = (row.get("account") or "").lower()

    def find(self, row: Row) -> CustomRate | None:
        """Find the rate by whose it is and what for."""
        key = (self.fields["account"].widget.ids.get(row["account"]), wire_id(row.get("service") or ""))
        if None not in key:
            self.once(key, "service")
        return self._existing.get(key)  # type: ignore[arg-type] # what names nothing is not found

    def filter_export(self, queryset: Any, **_: Any) -> Any:
        """Take the accounts along."""
        return queryset.select_related("account")

    def dehydrate_account(self, rate: CustomRate) -> str:
        """Tell its address."""
        return str(rate.account.email)

    def dehydrate_service(self, rate: CustomRate) -> int:
        """Tell its id."""
        return rate.service_id
