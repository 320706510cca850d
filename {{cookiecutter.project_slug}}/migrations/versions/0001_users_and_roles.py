"""Users and roles."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(
    mysql.DATETIME(fsp=6), "mysql", "mariadb"
)

# Equal by code points, on MariaDB too.
EMAIL_ADDRESS = sa.String(254).with_variant(
    mysql.VARCHAR(254, collation="utf8mb4_bin"), "mysql", "mariadb"
)

# Whatever the character set of the database is.
UTF8 = {"mysql_charset": "utf8mb4", "mariadb_charset": "utf8mb4"}


def upgrade() -> None:
    """Create auth_user, auth_role and the table between them."""
    op.create_table(
        "auth_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("modified_at", MOMENT, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("description", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auth_role")),
        sa.UniqueConstraint("name", name=op.f("uq_auth_role_name")),
        **UTF8,
        if_not_exists=True,
    )
    op.create_table(
        "auth_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("modified_at", MOMENT, nullable=False),
        sa.Column("email", EMAIL_ADDRESS, nullable=False),
        sa.Column("password", sa.String(255)),
        sa.Column("first_name", sa.String(80)),
        sa.Column("last_name", sa.String(80)),
        sa.Column("password_is_initial", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("confirmed_at", MOMENT),
        sa.Column("fs_uniquifier", sa.String(64), nullable=False),
        sa.Column("last_login_at", MOMENT),
        sa.Column("current_login_at", MOMENT),
        sa.Column("last_login_ip", sa.String(45)),
        sa.Column("current_login_ip", sa.String(45)),
        sa.Column("login_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auth_user")),
        sa.UniqueConstraint("email", name=op.f("uq_auth_user_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_auth_user_fs_uniquifier")),
        **UTF8,
        if_not_exists=True,
    )
    op.create_table(
        "auth_user_role",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_auth_user_role")),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth_user.id"],
            name=op.f("fk_auth_user_role_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"],
            ["auth_role.id"],
            name=op.f("fk_auth_user_role_role_id"),
            ondelete="CASCADE",
        ),
        **UTF8,
        if_not_exists=True,
    )


def downgrade() -> None:
    """Drop them, with every user."""
    op.drop_table("auth_user_role", if_exists=True)
    op.drop_table("auth_user", if_exists=True)
    op.drop_table("auth_role", if_exists=True)
