"""The page at `/`: index.html with style.css and the scripts put inline, so that it is one response without assets."""
