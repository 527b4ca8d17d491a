-- title: T
-- description: D
-- severity: high
-- attack: T1078
-- param: since timestamp = 7d since when
-- param: x text what
SELECT $x, '$y', $since
