"""Show work inside other products: links that open one person's own trace, and where pages may be framed."""
