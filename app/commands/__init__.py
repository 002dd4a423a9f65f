"""The commands of `suishen` that load more than their caller may wait for; `app.cli` imports each when it is named."""
