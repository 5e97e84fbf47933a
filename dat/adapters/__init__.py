"""The tracker under the interfaces of other people's toolkits. Imported first, it computes as `dat track` does."""

from dat.base import numerics

numerics.prepare_import()
