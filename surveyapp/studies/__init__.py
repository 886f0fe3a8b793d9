"""The researcher's door: study files, preview, publishing, links, counts, analyses."""
