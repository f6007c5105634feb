-- Which octet binary is run, and whether it is one.

local M = {}

---@return string? path
---@return string? reason why there is none
function M.find()
  local named = vim.g.octet_cmd
  if named ~= nil then
    if type(named) == 'string' and vim.fn.executable(vim.fn.expand(named)) == 1 then
      return vim.fn.exepath(vim.fn.expand(named))
    end
    return nil, ('g:octet_cmd names no executable file: %s'):format(vim.inspect(named))
  end
  for _, candidate in ipairs({ 'octet', vim.fn.expand('~/.local/bin/octet') }) do
    if vim.fn.executable(candidate) == 1 then
      return vim.fn.exepath(candidate)
    end
  end
  return nil, 'no octet in PATH or ~/.local/bin; `./dev install` puts it there, g:octet_cmd names another place'
end

--- Where the server writes its log, unless `cmd` is the user's own.
---@return string
function M.log_path()
  local has_folder, folder = pcall(vim.fn.stdpath, 'log') -- 0.8
  folder = has_folder and folder or vim.fn.stdpath('cache')
  pcall(vim.fn.mkdir, folder, 'p')
  return folder .. '/octet.log'
end

--- What starts the server.
---@param chosen string[]? the option `cmd`
---@return string[]?
---@return string? reason why there is nothing
function M.command(chosen)
  if chosen then
    return chosen
  end
  local path, reason = M.find()
  if not path then
    return nil, reason
  end
  return { path, '--log-file', M.log_path(), 'lsp', '--stdio' }
end

--- Asks a binary for its version.
---@param path string
---@param on_version fun(version: string?, reason: string?) runs once, not in a fast context
function M.ask_version(path, on_version)
  local output = {}
  local function keep(_, lines)
    vim.list_extend(output, lines)
  end
  local started, job = pcall(vim.fn.jobstart, { path, '--version' }, {
    stdin = 'null',
    stdout_buffered = true,
    on_stdout = keep,
    on_exit = function(_, code)
      local text = table.concat(output, '\n')
      local version = text:match('^octet (%d+%.%d+%.%d+)')
      if code == 0 and version then
        return on_version(version)
      end
      on_version(nil, ('%s --version: expected `octet X.Y.Z`, found %q, exit code %d'):format(path, vim.trim(text), code))
    end,
  })
  if not started or job <= 0 then
    on_version(nil, path .. ' cannot be run')
  end
end

return M
