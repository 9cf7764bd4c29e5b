"""Filters: recursive and of finite length, other rates, smoothing, integration, weightings."""
