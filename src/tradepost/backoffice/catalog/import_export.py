"""Pages that import a table of the catalog from a file, and export it to one."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from tradepost import formats
from tradepost.backoffice.catalog import import_preview
from tradepost.backoffice.catalog.import_preview import ImportLine
from tradepost.backoffice.ui import change_preview
from tradepost.backoffice.ui.change_preview import ChangePreview
from tradepost.backoffice.ui.unfold_admin import FileWidget, link_button
from tradepost.catalog.import_export import files, limits
from tradepost.catalog.import_export.files import Format, ParsedFile
from tradepost.catalog.import_export.limits import SpreadsheetError
from tradepost.catalog.import_export.resources import SheetResource
from tradepost.catalog.models import PendingImport, Service
from tradepost.engine.order_types import wire_id
from tradepost.providers import service_sync

FILE_NAME_CHARS_MAX = 200
IMPORT, EXPORT = "catalog.import_catalog", "catalog.export_catalog"


class FileImportForm(forms.Form):
    """The file to import. Once it has been previewed it is stored, and need not be chosen again."""

    file = forms.FileField(
        label="CSV or spreadsheet file",
        required=False,
        widget=FileWidget(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xlsm,.xlsb,.xls,.ods"}),
    )

    def __init__(self, *arguments: Any, upload: PendingImport | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.upload = upload
        self.sheet: ParsedFile | None = None
        self.fields["file"].help_text = (
            f"Up to {formats.whole(limits.ROWS_MAX)} rows. The first line names the columns, as in an export; what is "
            "left out stays as it is. A row with an id changes what has it, one without makes something new."
        )
        if upload:
            self.fields["file"].label = f"Another file in place of {upload.file_name}"

    def clean(self) -> dict[str, Any]:
        """Read the sheet from the new file, else from the stored one."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        file = cleaned.get("file")
        if not file and self.upload is None:
            raise forms.ValidationError("Choose a file.")
        if file and file.size > limits.BYTES_MAX:
            size, most = formats.whole(file.size), formats.whole(limits.BYTES_MAX)
            raise forms.ValidationError(f"The file has {size} bytes; no more than {most}.")
        try:
            self.sheet = files.read_file(file.read()) if file else self._stored_sheet()
        except SpreadsheetError as error:
            self.add_error("file", str(error))
        return cleaned

    def _stored_sheet(self) -> ParsedFile:
        assert self.upload, "checked in `clean`"
        return files.unpack(bytes(self.upload.content))


class ImportExportMixin:
    """Adds an import with a preview, and exports of all or of the ticked rows, to an admin page of the catalog."""

    resource: ClassVar[type[SheetResource]]
    model: Any
    opts: Any
    admin_site: Any
    actions: Any = ("export_ticked_xlsx", "export_ticked_csv")
    actions_list: Any = ("import_file", "export_all")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.import_view)
        return [path("import/", view, name=f"{self._url_prefix()}_import"), *super().get_urls()]  # type: ignore[misc] # defined by ModelAdmin

    def has_import_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may import, and add and change these rows."""
        name = self.opts.model_name
        return request.user.has_perms([IMPORT, f"catalog.add_{name}", f"catalog.change_{name}"])

    def has_export_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may export, and view these rows."""
        return request.user.has_perms([EXPORT, f"catalog.view_{self.opts.model_name}"])

    def _url_prefix(self) -> str:
        return f"catalog_{self.opts.model_name}"

    @link_button("Import…", permission="import")
    def import_file(self, request: HttpRequest) -> HttpResponse:
        return redirect(f"admin:{self._url_prefix()}_import")

    @link_button("Export all", permission="export")
    def export_all(self, request: HttpRequest) -> HttpResponse:
        return self._export(self.model.objects.all(), Format.XLSX)

    @admin.action(description="Export as XLSX", permissions=["export"])
    def export_ticked_xlsx(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Export the ticked rows, or all rows that the filter finds."""
        return self._export(queryset, Format.XLSX)

    @admin.action(description="Export as CSV", permissions=["export"])
    def export_ticked_csv(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Export the ticked rows, or all rows that the filter finds."""
        return self._export(queryset, Format.CSV)

    def _export(self, rows: QuerySet[Any], kind: Format) -> HttpResponse:
        content = files.write_file(self.resource().export(rows), kind)
        name = f"{self.opts.verbose_name_plural}-{timezone.now():%Y-%m-%d}.{kind}".replace(" ", "-")
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(content, content_type=kind.content_type, headers=headers)

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file, preview its changes, and apply them once staff confirm them."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        upload = _pending_import(request)
        is_submitted = change_preview.is_submitted(request)
        form = FileImportForm(request.POST, request.FILES, upload=upload) if is_submitted else FileImportForm()
        proposal = None
        if form.is_valid() and form.sheet:
            upload = _store_upload(request, form.sheet) if request.FILES or upload is None else upload
            proposal = _import_sheet(request, self.resource, form.sheet)
            if proposal is None:
                upload.delete()
                return redirect(f"admin:{self._url_prefix()}_changelist")
        return change_preview.preview_page(
            request,
            title=f"Import {self.opts.verbose_name_plural}",
            text=f"Columns: {', '.join(field.column_name for field in self.resource().get_import_fields())}.",
            form=form,
            proposal=proposal,
            hidden=[("upload", upload.pk)] if upload else [],
            back=reverse(f"admin:{self._url_prefix()}_changelist"),
            opts=self.opts,
        )


def _import_sheet(
    request: HttpRequest, resource_class: type[SheetResource], sheet: ParsedFile
) -> ChangePreview[ImportLine] | None:
    """Return what the file would change; None if staff confirmed the preview and it was imported."""
    resource = resource_class(store=request.POST.get("step") == "apply")
    try:
        with transaction.atomic():
            result = resource.import_data(sheet.dataset, use_transactions=True, delimiter=sheet.delimiter)
            proposal = import_preview.preview_import(resource, result, sheet)
            if change_preview.is_confirmed(request, proposal):
                _report_import(request, result)
                return None
            transaction.set_rollback(True)
    except IntegrityError as error:  # another request has added conflicting rows meanwhile
        return import_preview.failed_preview(f"It can't be imported: {error}")
    return proposal


def _report_import(request: HttpRequest, result: Any) -> None:
    new = [row.instance for row in result if row.is_new()]
    changed = [row.instance for row in result if row.is_update()]
    messages.success(request, f"{formats.whole(len(new))} new, {formats.whole(len(changed))} changed.")
    services = [row.pk for row in (*new, *changed) if isinstance(row, Service)]
    quarantined = service_sync.check_costs(services) if services else {}
    if quarantined:
        text = f"{formats.whole(len(quarantined))} of them would be sold below cost and are in quarantine, off sale."
        messages.warning(request, text)


def _pending_import(request: HttpRequest) -> PendingImport | None:
    id_ = wire_id(request.POST.get("upload", ""))
    return PendingImport.objects.filter(pk=id_, account=request.user.pk).first() if id_ else None


def _store_upload(request: HttpRequest, sheet: ParsedFile) -> PendingImport:
    """Store the sheet until it is confirmed, in place of the user's last one. A task deletes those left over."""
    PendingImport.objects.filter(account=request.user.pk).delete()
    name = str(request.FILES["file"].name)[-FILE_NAME_CHARS_MAX:]  # type: ignore[union-attr] # the field takes one file
    assert request.user.pk, "the page requires sign-in"
    return PendingImport.objects.create(account_id=request.user.pk, file_name=name, content=files.pack(sheet))
