"""MDNet's loop, with DAT's candidates from the attention map."""
