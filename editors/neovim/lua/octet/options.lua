-- What the user may choose: defaults, types and their check. The values of now are in `options.current`.

---@class octet.Keymaps
---@field accept? string|false takes the whole suggestion
---@field accept_word? string|false
---@field accept_line? string|false
---@field next? string|false the next alternative
---@field previous? string|false
---@field dismiss? string|false
---@field trigger? string|false asks for a suggestion here

---@class octet.Options
---@field cmd? string[] starts the server; default: the binary that was found, with `lsp --stdio`
---@field enabled? boolean
---@field automatic? boolean whether typing asks; false: only the key `trigger` does
---@field filetypes? table<string, boolean> `{markdown = false}`; `['*']` stands for those that are not named
---@field keymaps? octet.Keymaps|false
---@field settings? table<string, any> of the server, without `octet.`: `{minConfidence = 0.5}`

local M = {}

---@type octet.Options
local kDefaults = {
  cmd = nil,
  enabled = true,
  automatic = true,
  filetypes = { ['*'] = true },
  keymaps = {
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-Down>',
    next = '<M-]>',
    previous = '<M-[>',
    dismiss = '<C-]>',
    trigger = '<M-Bslash>',
  },
  settings = {},
}

local function fail(name, expected, value)
  error(('octet: options.%s: expected %s, found %s'):format(name, expected, vim.inspect(value)), 0)
end

---@return string[]
local function sorted_keys(t)
  local keys = vim.tbl_keys(t)
  table.sort(keys)
  return keys
end

local function check_cmd(value)
  local holds = type(value) == 'table' and #value > 0 and vim.tbl_count(value) == #value
  for _, word in pairs(holds and value or {}) do
    holds = holds and type(word) == 'string'
  end
  if not holds then
    fail('cmd', 'a list of strings', value)
  end
end

local function check_filetypes(value)
  if type(value) ~= 'table' then
    fail('filetypes', 'a table such as {markdown = false}', value)
  end
  for filetype, wanted in pairs(value) do
    if type(filetype) ~= 'string' then
      fail('filetypes', 'names of filetypes with true or false', value)
    elseif type(wanted) ~= 'boolean' then
      fail(('filetypes[%q]'):format(filetype), 'true or false', wanted)
    end
  end
end

local function check_keymaps(value)
  if value == false then
    return
  elseif type(value) ~= 'table' then
    fail('keymaps', 'a table, or false for no keys', value)
  end
  for name, lhs in pairs(value) do
    if kDefaults.keymaps[name] == nil then
      fail('keymaps', 'some of ' .. table.concat(sorted_keys(kDefaults.keymaps), ', '), name)
    elseif lhs ~= false and (type(lhs) ~= 'string' or lhs == '') then
      fail('keymaps.' .. name, 'a key, or false for none', lhs)
    end
  end
end

-- The server names the settings that it does not know.
local function check_settings(value)
  local is_map = type(value) == 'table' and #value == 0
  if not is_map then
    fail('settings', 'a table of settings such as {minConfidence = 0.5}', value)
  end
  for name in pairs(value) do
    if type(name) ~= 'string' or name:match('^octet%.') then
      fail('settings', "names without 'octet.'", name)
    end
  end
end

local function check_flag(name)
  return function(value)
    if type(value) ~= 'boolean' then
      fail(name, 'true or false', value)
    end
  end
end

local kChecks = {
  cmd = check_cmd,
  enabled = check_flag('enabled'),
  automatic = check_flag('automatic'),
  filetypes = check_filetypes,
  keymaps = check_keymaps,
  settings = check_settings,
}

--- Checks what a user gave and makes it, with the defaults, the options of now. Raises an error that says what is wrong.
---@param given? octet.Options
function M.set(given)
  if given ~= nil and type(given) ~= 'table' then
    error('octet: setup: expected a table of options, found ' .. vim.inspect(given), 0)
  end
  given = given or {}
  for name, value in pairs(given) do
    local check = kChecks[name]
    if not check then
      local known = table.concat(sorted_keys(kChecks), ', ')
      error(('octet: options.%s: no such option; there are %s'):format(tostring(name), known), 0)
    end
    check(value)
  end
  M.current = vim.tbl_deep_extend('force', kDefaults, given)
end

--- Whether suggestions are wanted in a buffer: ordinary text, and neither its filetype nor `b:octet_enabled` is against it.
---@param buffer integer
---@return boolean
function M.wants(buffer)
  if not (M.current.enabled and vim.api.nvim_buf_is_loaded(buffer)) or vim.bo[buffer].buftype ~= '' then
    return false
  end
  local here = vim.b[buffer].octet_enabled
  if here ~= nil then
    return here ~= false and here ~= 0
  end
  local filetypes = M.current.filetypes
  local wanted = filetypes[vim.bo[buffer].filetype]
  if wanted == nil then
    wanted = filetypes['*']
  end
  return wanted ~= false
end

M.current = vim.deepcopy(kDefaults)

return M
