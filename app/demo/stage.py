"""What the chapters of the demo's journey share: the running city, and who has come on stage so far."""

from dataclasses import dataclass, field
from pathlib import Path

import httpx

from app.demo.caller import Caller
from app.demo.city import City
from app.demo.phone import HeldGrant, Phone
from app.demo.scanner import ScannerProgram
from app.demo.staff import StaffRoom
from app.demo.story import Story
from app.settings import Settings
from codes.pictures import draw_picture


@dataclass(kw_only=True)
class Stage:
    """The story goes on where the chapter before left it."""

    story: Story
    settings: Settings
    city: City
    staff: StaffRoom
    http: httpx.AsyncClient
    pictures: Path
    citizen: Phone
    grants: list[HeldGrant] = field(default_factory=list)
    scanners: list[ScannerProgram] = field(default_factory=list)
    company: Caller | None = None
    company_code: str = ""
    drawn: int = 0

    def draw(self, name: str, text: str) -> Path:
        """A picture of the demo, numbered in the order of the story."""
        return draw_picture(text, self._next(f"{name}.png"))

    def keep(self, name: str, content: bytes) -> Path:
        """A picture that the city drew, as it came; `name` has its ending."""
        path = self._next(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def _next(self, name: str) -> Path:
        self.drawn += 1
        return self.pictures / f"{self.drawn:02}-{name}"
