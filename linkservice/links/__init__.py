"""What leads where: domains, slugs, destinations and the change feed."""
