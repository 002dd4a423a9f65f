"""Once a year each mini-app is held against its use and its duties: keep, merge or retire, with reasons."""
