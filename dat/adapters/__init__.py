"""The tracker under the interfaces of other people's toolkits."""
