"""PDF files written by hand, after ISO 32000-1, section 7.5."""

from __future__ import annotations

from collections.abc import Sequence


def pdf(texts: Sequence[str], size: str = "400 140", count: int | None = None) -> bytes:
    """A document with a page for each text, in letters of 30 points.

    Args:
        texts: ASCII without brackets.
        size: width and height of the pages in points.
        count: how many pages it says that it has.
    """
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(texts)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(texts) if count is None else count} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for text in texts:
        drawing = f"BT /F1 30 Tf 40 60 Td ({text}) Tj ET".encode()
        page = f"/MediaBox [0 0 {size}] /Contents {len(objects) + 2} 0 R /Resources << /Font << /F1 3 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R {page} >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing))
    body, places = bytearray(b"%PDF-1.4\n"), []
    for number, each in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(body) + end % (len(objects) + 1, table, len(objects) + 1, len(body))
