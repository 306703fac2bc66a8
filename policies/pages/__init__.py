"""What policy pages show, as plain values: view models and the words of rules. No state is changed from here."""
