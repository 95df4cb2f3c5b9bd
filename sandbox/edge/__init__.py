"""The edge: Miniflare of the pinned Wrangler serves the uploaded Workers by host name, behind one steady port."""
