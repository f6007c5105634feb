-- How often a server that ends by itself is started again: four times in three minutes.

local M = {}

local kMaxRestarts = 4
local kWindowMs = 3 * 60 * 1000

local uv = vim.uv or vim.loop -- 0.10
local times = {}

--- Whether one more is allowed, which counts from then on.
---@return boolean
function M.take()
  local now = uv.hrtime() / 1e6
  times = vim.tbl_filter(function(time)
    return now - time < kWindowMs
  end, times)
  if #times >= kMaxRestarts then
    return false
  end
  table.insert(times, now)
  return true
end

function M.reset()
  times = {}
end

return M
