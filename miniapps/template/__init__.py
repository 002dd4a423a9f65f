"""What `suishen miniapp init` copies: a department that runs, its manifest, and tests of it. Imports only the SDK."""
