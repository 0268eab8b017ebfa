-- The comparisons of the touched hours, counted anew.
INSERT INTO compared_rows (upgrade, candidate, feature, hour, comparisons, paired, ver)
SELECT upgrade, candidate, feature, hour, count(), countIf(has_rerun AND rerun_error = ''),
  toUInt64(toUnixTimestamp64Nano(now64(9)))
FROM comparisons_rows FINAL
WHERE upgrade = {upgrade:String} AND candidate IN {candidates:Array(String)}
  AND hour IN arrayMap(h -> toDateTime(h, 'UTC'), {hours:Array(UInt32)})
  AND (candidate, feature, toUnixTimestamp(hour)) IN {touched:Array(Tuple(String, String, UInt32))}
GROUP BY upgrade, candidate, feature, hour
