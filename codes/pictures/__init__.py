"""Codes as pictures. Programs draw and read files of them; posters and cards are in the modules beside this one."""

from codes.pictures.files import draw_picture, read_picture

__all__ = ["draw_picture", "read_picture"]
