"""What the tests share: small nets, data layers run alone, engines for the bench, damaged files."""
