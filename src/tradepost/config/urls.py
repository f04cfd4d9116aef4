"""The pages: everything but `/api/v2`, which never reaches Django."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("", include("tradepost.panel.urls")), path("admin/", admin.site.urls)]
