"""亮码办事: what a scan at a counter opens, and what issuers say their holders are entitled to."""
