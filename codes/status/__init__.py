"""Which codes are void: status lists that anybody may pull, and the sparse truth behind them."""
