"""好差评: citizens rate one act each, the department replies in time and calls back; figures are public."""
