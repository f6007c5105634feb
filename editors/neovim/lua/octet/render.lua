-- Ghost text: one extmark, drawn again only when it would look different.
--
-- The first line stands at the cursor: between the characters from Neovim 0.10 on, over them before that, and then what it covers is
-- drawn again behind it. Where there is no room for both it moves below. The other lines stand below.

local M = {}

local kNamespace = vim.api.nvim_create_namespace('octet')
local kMark = 1
local kHasInline = vim.fn.has('nvim-0.10') == 1

---@type {buffer: integer, row: integer, column: integer, text: string, covered: string, rest: string, hint: string?}?
local drawn = nil

--- Characters as they look, with tabs as blanks; up to `room` cells, and what is beyond that.
---@param text string
---@param cell integer where it begins, in cells of the line
---@param room? integer
---@return string shown
---@return integer width
---@return string beyond
local function lay_out(text, cell, room)
  local shown, width = {}, 0
  local tabstop = vim.bo.tabstop
  local characters = vim.fn.split(text, '\\zs')
  for i, character in ipairs(characters) do
    local glyph = character == '\t' and (' '):rep(tabstop - (cell + width) % tabstop) or vim.fn.strtrans(character)
    local glyph_width = vim.fn.strdisplaywidth(glyph)
    if room and width + glyph_width > room then
      return table.concat(shown), width, table.concat(characters, '', i)
    end
    table.insert(shown, glyph)
    width = width + glyph_width
  end
  return table.concat(shown), width, ''
end

--- The cells of the window's text, and how many are free in the cursor's row from the cursor on.
---@param cell integer of the cursor in its line
---@return integer width
---@return integer room
local function measure(cell)
  local width = vim.api.nvim_win_get_width(0) - vim.fn.getwininfo(vim.api.nvim_get_current_win())[1].textoff
  if not vim.wo.wrap then
    return width, width - (cell - vim.fn.winsaveview().leftcol)
  end
  return width, cell > 0 and cell % width == 0 and 0 or width - cell % width -- behind a full row there is nothing to draw on
end

--- First line drawn over the text; gives the chunks at the cursor and those that go below.
---@return table[]? at_cursor
---@return table[] below
local function overlay(first, covered, rest, cell)
  local width, room = measure(cell)
  local ghost, ghost_width, beyond = lay_out(first, cell, room)
  if covered == '' and rest == '' then
    local below = {}
    while beyond ~= '' do
      local part
      part, _, beyond = lay_out(beyond, 0, math.max(width, 8))
      table.insert(below, { { part, 'OctetSuggestion' } })
    end
    return ghost ~= '' and { { ghost, 'OctetSuggestion' } } or nil, below
  end
  local behind, behind_width, cut = lay_out(rest, cell + ghost_width, math.max(room - ghost_width, 0))
  local _, old_width = lay_out(covered .. rest, cell)
  if beyond ~= '' or cut ~= '' or old_width > room then
    local whole, whole_width = lay_out(first, cell)
    local indent = math.max(math.min(cell % width, width - whole_width), 0)
    return nil, { { { (' '):rep(indent) }, { whole, 'OctetSuggestion' } } }
  end
  local blank = (' '):rep(old_width - ghost_width - behind_width)
  return { { ghost, 'OctetSuggestion' }, { behind .. blank, 'Normal' } }, {}
end

--- Shows `text` at the cursor.
---@param text string lines end with "\n"
---@param covered string what accepting it replaces behind the cursor
---@param rest string what stands behind that
---@param hint? string
function M.show(text, covered, rest, hint)
  local buffer = vim.api.nvim_get_current_buf()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local wanted = { buffer = buffer, row = row, column = column, text = text, covered = covered, rest = rest, hint = hint }
  if drawn and vim.deep_equal(drawn, wanted) then
    return
  end
  if drawn and drawn.buffer ~= buffer then
    M.clear()
  end
  local lines = vim.split(text, '\n', { plain = true })
  local cell = vim.fn.strdisplaywidth(vim.api.nvim_get_current_line():sub(1, column))
  local at_cursor, below
  if kHasInline then
    at_cursor, below = { { (lay_out(lines[1], cell)), 'OctetSuggestion' } }, {}
  else
    at_cursor, below = overlay(lines[1], covered, rest, cell)
  end
  for i = 2, #lines do
    table.insert(below, { { (lay_out(lines[i], 0)), 'OctetSuggestion' } })
  end
  if not kHasInline and #below > 0 and vim.fn.foldclosed(row + 1) ~= -1 then
    hint, below = ('+%d below'):format(#below), {} -- 0.7 draws neither lines above a closed fold nor the fold
    at_cursor = at_cursor or { { '' } }
  end
  if hint and (#below > 0 or rest == '') then
    table.insert(below[#below] or at_cursor, { '  ' .. hint, 'OctetHint' })
  end
  vim.api.nvim_buf_set_extmark(buffer, kNamespace, row - 1, column, {
    id = kMark,
    virt_text = at_cursor,
    virt_text_pos = at_cursor and (kHasInline and 'inline' or 'overlay') or nil,
    virt_lines = #below > 0 and below or nil,
    hl_mode = 'combine',
    priority = 1000,
  })
  drawn = wanted
end

function M.clear()
  if drawn and vim.api.nvim_buf_is_valid(drawn.buffer) then
    vim.api.nvim_buf_del_extmark(drawn.buffer, kNamespace, kMark)
  end
  drawn = nil
end

---@return boolean
function M.is_shown()
  return drawn ~= nil
end

function M.define_highlights()
  vim.api.nvim_set_hl(0, 'OctetSuggestion', { link = 'Comment', default = true })
  vim.api.nvim_set_hl(0, 'OctetHint', { link = 'NonText', default = true })
end

return M
