"""Totals by minute, day, month and year, so that no report reads orders. Written by `tradepost.reports.rollup`."""

from django.db import models

from tradepost.reports.measures import Phase, Span, SubjectKind

DIGITS = 30


class Total(models.Model):
    """The measures of one subject over one stretch of time, in UTC (`measures`, decision 48).

    The table is partitioned by kind and span, so that rows that are read together are stored together.
    """

    pk = models.CompositePrimaryKey("kind", "span", "start", "subject")
    kind = models.SmallIntegerField(choices=[(kind.value, kind.name.lower()) for kind in SubjectKind])
    span = models.SmallIntegerField(choices=[(span.value, span.name.lower()) for span in Span])
    start = models.DateTimeField()
    subject = models.BigIntegerField()
    orders = models.BigIntegerField(db_default=0)
    quantity = models.DecimalField(max_digits=DIGITS, decimal_places=0, db_default=0)
    charged = models.DecimalField(max_digits=DIGITS, decimal_places=5, db_default=0)
    refunded = models.DecimalField(max_digits=DIGITS, decimal_places=5, db_default=0)
    cost = models.DecimalField(max_digits=DIGITS, decimal_places=5, db_default=0)
    completed = models.BigIntegerField(db_default=0)
    partial = models.BigIntegerField(db_default=0)
    canceled = models.BigIntegerField(db_default=0)
    refills = models.BigIntegerField(db_default=0)
    refused = models.BigIntegerField(db_default=0)
    unsure = models.BigIntegerField(db_default=0)

    class Meta:
        default_permissions = ()
        permissions = (
            ("view_sales", "Can view sales: orders, revenue and refunds"),
            ("view_profit", "Can view cost and profit"),
            ("view_provider_quality", "Can view the quality of providers"),
        )

    def __str__(self) -> str:
        return f"{SubjectKind(self.kind).name.lower()} {self.subject}, {Span(self.span).name.lower()} from {self.start}"


class Duration(models.Model):
    """How many of a day's orders, at a provider or of one offer, took a time in this bucket. Deleted after a while."""

    pk = models.CompositePrimaryKey("kind", "subject", "day", "phase", "bucket")
    kind = models.SmallIntegerField(choices=[(kind.value, kind.name.lower()) for kind in SubjectKind])
    subject = models.BigIntegerField()
    day = models.DateField()
    phase = models.SmallIntegerField(choices=[(phase.value, phase.name.lower()) for phase in Phase])
    bucket = models.SmallIntegerField()
    orders = models.BigIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.orders} of {self.day}"


class Watermark(models.Model):
    """The last row of a table that is booked in the totals. It moves in the same transaction that books more rows."""

    table = models.CharField(max_length=40, primary_key=True)
    position = models.BigIntegerField(db_default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.table}: {self.position}"
