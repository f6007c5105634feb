-- Which folder a buffer belongs to.

local M = {}

--- The folder whose files the server may remember: the nearest one above the file that holds .git.
---@param buffer integer
---@return string?
function M.folder_of(buffer)
  local path = vim.api.nvim_buf_get_name(buffer)
  if path == '' or path:match('^%w+://') then
    return nil
  end
  local upwards = vim.fn.escape(vim.fn.fnamemodify(path, ':p:h'), ' ,;') .. ';'
  local git = vim.fn.finddir('.git', upwards)
  if git == '' then
    git = vim.fn.findfile('.git', upwards) -- a worktree
  end
  return git ~= '' and vim.fn.fnamemodify(git, ':p'):gsub('/+$', ''):match('^(.*)/[^/]+$') or nil
end

return M
