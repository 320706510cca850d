"""Django REST framework, with its TokenAuthentication."""

import os

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    AUTH_USER_MODEL="django_rest.User",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["BENCH_DATABASE"],
            "CONN_MAX_AGE": None,
        }
    },
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "rest_framework",
        "rest_framework.authtoken",
        "django_rest",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
    ROOT_URLCONF="django_rest",
    SECRET_KEY="a key that is for this measurement only",
)
django.setup()

from django.contrib.auth.base_user import AbstractBaseUser  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework.decorators import api_view  # noqa: E402
from rest_framework.response import Response  # noqa: E402


class User(AbstractBaseUser):
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(db_column="active")
    last_login = None
    USERNAME_FIELD = "email"

    class Meta:
        app_label = "django_rest"
        db_table = "auth_user"


@api_view(["GET"])
def list_items(request):
    return Response({"items": {"Key1": "Value1", "Key2": "value2"}})


urlpatterns = [path("dummy-api/", list_items)]
app = get_wsgi_application()


def create_headers(user_id):
    return {"Authorization": f"Token {Token.objects.get(user_id=user_id).key}"}
