"""The pages: everything but `/api/v2`, which never reaches Django."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
