"""A mini-app's own pages, each mini-app on an origin of its own: `{label}.apps.HOST`."""
